/** Everything that can go wrong in this package: an unsupported op, no memory left, a misused array. */
export class EngineError extends Error {
  override readonly name = 'EngineError';
}
