/** Thrown when features cannot be computed, kept or read; the message says what to do. */
export class FeaturesError extends Error {
  override readonly name = 'FeaturesError';
}
