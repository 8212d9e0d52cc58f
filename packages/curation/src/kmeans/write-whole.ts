import { randomUUID } from 'node:crypto';
import { rename, writeFile } from 'node:fs/promises';

/** Write a file aside and give it its name, so that `path` is a whole file or none. */
export async function writeWhole(path: string, content: string | Uint8Array): Promise<void> {
  const partial = `${path}.${randomUUID()}.partial`;
  await writeFile(partial, content);
  await rename(partial, path);
}

/** The bytes of numbers, not copied. */
export const bytesOf = ({ buffer, byteOffset, byteLength }: Float32Array | Float64Array | Uint32Array): Uint8Array =>
  new Uint8Array(buffer, byteOffset, byteLength);
