import { open } from 'node:fs/promises';
import { DataError } from './error';
import type { ImageSource, Span } from './source';

/**
 * What {@link decodeImage} reads for an image of a source: its path, or its bytes where the file holds more than the image.
 *
 * @throws DataError as {@link readSpan}.
 */
export async function imageFile({ paths, spans }: Pick<ImageSource, 'paths' | 'spans'>, index: number): Promise<string | Uint8Array> {
  const span = spans?.[index];
  return span === undefined ? paths[index] : readSpan(paths[index], span);
}

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
