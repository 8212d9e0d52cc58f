import { printable } from './printable';

/** Names in a damaged file may be as long as the file. */
const maximumCharacters = 10_000;

/** Thrown when a weight file cannot be read or written; the message names the file, the tensor and what to do. */
export class WeightsError extends Error {
  override readonly name = 'WeightsError';

  constructor(message: string, options?: ErrorOptions) {
    const text = printable(message.slice(0, maximumCharacters));
    super(message.length > maximumCharacters ? `${text}… (${message.length} characters)` : text, options);
  }
}
