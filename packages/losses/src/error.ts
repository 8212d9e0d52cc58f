/** Thrown by this package for tensors and options that do not fit together. */
export class LossError extends Error {
  override readonly name = 'LossError';
}
