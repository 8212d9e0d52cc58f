/** Everything that can go wrong in this package: an unsupported op, a plugin's refusal, a misused array. */
export class EngineError extends Error {
  override readonly name = 'EngineError';
}
