import type { RgbImage } from './decode';

/**
 * Looks at a decoded image in a decoding thread. The answer goes to the caller's thread by structured clone; an
 * error ends the pass.
 *
 * @param bytes - the encoded file, or the bytes of the image in it.
 */
export type Describe<T = unknown> = (image: RgbImage, bytes: Uint8Array) => T | Promise<T>;
