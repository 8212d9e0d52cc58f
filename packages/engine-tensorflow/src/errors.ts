/** Everything that can go wrong in this package: no runtime, an unsupported op, a misused array. */
export class EngineError extends Error {
  override readonly name = 'EngineError';
}
