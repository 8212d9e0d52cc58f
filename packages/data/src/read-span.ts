import { open } from 'node:fs/promises';
import { DataError } from './error';
import type { Span } from './source';

/**
 * The bytes of an image that lies inside a file.
 *
 * @throws DataError when the file is missing or ends before the image does.
 */
export async function readSpan(path: string, { offset, length }: Span): Promise<Uint8Array> {
  const file = await open(path).catch((cause: Error) => {
    throw new DataError(cause.message, { cause });
  });
  try {
    const bytes = new Uint8Array(length);
    for (let filled = 0; filled < length; ) {
      const { bytesRead } = await file.read(bytes, filled, length - filled, offset + filled);
      if (bytesRead === 0) throw new DataError(`the file ends at byte ${offset + filled}, inside the image at ${offset} of ${length} bytes; it was cut`);
      filled += bytesRead;
    }
    return bytes;
  } finally {
    await file.close();
  }
}
