import { type FileHandle, open } from 'node:fs/promises';
import { readFloat16 } from '@dinov2/primitives';
import { CurationError } from '../error';
import { checkRange } from './check-range';
import { gatherRows } from './gather-rows';
import { bytesPerNumber, longestNpyHeader, parseNpyHeader } from './npy-header';
import type { Vectors } from './vectors';

/**
 * The rows of a .npy file of float32 or float16, read as they are asked for.
 *
 * @throws CurationError when the file is missing, is not such a matrix, or is shorter or longer than its header says
 */
export async function openNpy(path: string): Promise<Vectors> {
  const file = await open(path).catch((cause: Error) => {
    throw new CurationError(`${path} cannot be opened: ${cause.message}`, { cause });
  });
  try {
    const { bytes } = await readFully(file, new Uint8Array(longestNpyHeader), 0);
    const { precision, rows, columns, offset } = parseNpyHeader(bytes, path);
    const rowBytes = columns * bytesPerNumber[precision];
    const { size } = await file.stat();
    if (size !== offset + rows * rowBytes) {
      throw new CurationError(
        `${path} should have ${offset + rows * rowBytes} bytes for (${rows}, ${columns}) ${precision} and has ${size}; it was cut or damaged: write or copy it again`,
      );
    }
    const read = async (first: number, count: number): Promise<Float32Array> => {
      checkRange(first, count, rows, path);
      const numbers = precision === 'float32' ? new Float32Array(count * columns) : new Uint16Array(count * columns);
      const { complete } = await readFully(file, new Uint8Array(numbers.buffer), offset + first * rowBytes);
      if (!complete) throw new CurationError(`${path} ends inside rows ${first} to ${first + count - 1}; it was cut while it was read`);
      return numbers instanceof Uint16Array ? readFloat16(numbers) : numbers;
    };
    return {
      rows,
      columns,
      read,
      gather: (wanted) => gatherRows({ rows, columns, read }, wanted),
      close: () => file.close(),
    };
  } catch (error) {
    await file.close();
    throw error;
  }
}

/** Fill `target` from `position` of a file, or as much of it as the file has. */
async function readFully(file: FileHandle, target: Uint8Array, position: number): Promise<{ bytes: Uint8Array; complete: boolean }> {
  let filled = 0;
  while (filled < target.length) {
    // One read of Linux moves less than 2 GiB.
    const { bytesRead } = await file.read(target, filled, Math.min(target.length - filled, 2 ** 30), position + filled);
    if (bytesRead === 0) break;
    filled += bytesRead;
  }
  return { bytes: target.subarray(0, filled), complete: filled === target.length };
}
