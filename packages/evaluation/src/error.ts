/** Features, labels or options that do not fit together. */
export class EvaluationError extends Error {
  override readonly name = 'EvaluationError';
}
