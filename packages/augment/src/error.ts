/** Thrown for arguments of this package that cannot be used; the message says which and what to pass. */
export class AugmentError extends Error {
  override readonly name = 'AugmentError';
}
