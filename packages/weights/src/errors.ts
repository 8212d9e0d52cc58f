/** Thrown when a weight file cannot be read or written; the message names the file, the tensor and what to do. */
export class WeightsError extends Error {
  override readonly name = 'WeightsError';
}
