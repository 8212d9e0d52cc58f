/** What is wrong with data, a plan or options, with the place and the remedy. */
export class CurationError extends Error {
  override readonly name = 'CurationError';
}
