/** Thrown when images cannot be found or read; the message says which and what to do. */
export class DataError extends Error {
  override readonly name = 'DataError';
}
