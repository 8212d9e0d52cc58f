import { createHash } from 'node:crypto';

/**
 * SHA-256 of a file's bytes, 64 hexadecimal digits: equal for exact copies, whatever they are called.
 *
 * @param bytes - the encoded file, not its pixels.
 */
export function contentHash(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}
