import { constants } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { WeightsError } from '../errors';

/** A file that is read at any place. */
export interface RandomAccessFile {
  readonly path: string;
  readonly size: number;
  /** Fill `target` with the bytes from `position` on. */
  read(target: Uint8Array, position: number): Promise<void>;
  close(): Promise<void>;
}

/** @throws WeightsError if there is no regular file at `path` that may be read. */
export async function openFile(path: string): Promise<RandomAccessFile> {
  let file: FileHandle;
  try {
    // Opening a pipe would wait for its other end; with this flag it does not.
    file = await open(path, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0));
  } catch (error) {
    throw new WeightsError(`Cannot open ${path}: ${(error as Error).message}. Check the path and its permissions.`, { cause: error });
  }
  const stat = await file.stat();
  if (!stat.isFile()) {
    await file.close();
    throw new WeightsError(`${path} is not a regular file; copy its content to one.`);
  }

  async function fill(target: Uint8Array, position: number): Promise<void> {
    for (let done = 0; done < target.length; ) {
      const { bytesRead } = await file.read(target, done, target.length - done, position + done);
      if (bytesRead === 0) {
        throw new WeightsError(`${path} became shorter while it was read (at byte ${position + done}); copy or download it again.`);
      }
      done += bytesRead;
    }
  }

  return {
    path,
    size: stat.size,
    async read(target, position) {
      if (target.length === 0) return;
      if (position + target.length > stat.size) {
        throw new WeightsError(
          `${path} is truncated: bytes ${position} to ${position + target.length} are needed, it holds ${stat.size}. Copy or download it again.`,
        );
      }
      let next = 0;
      const reader = async (): Promise<void> => {
        while (next < target.length) {
          const begin = next;
          next += readChunk;
          await fill(target.subarray(begin, begin + readChunk), position + begin);
        }
      };
      try {
        await Promise.all(Array.from({ length: Math.min(readers, Math.ceil(target.length / readChunk)) }, reader));
      } catch (error) {
        if (error instanceof WeightsError) throw error;
        throw new WeightsError(`Cannot read ${path} at byte ${position}: ${(error as Error).message}. Check the disk, or copy the file again.`, { cause: error });
      }
    },
    close: () => file.close(),
  };
}

// Into fresh memory the kernel spends more time on providing pages than on copying bytes, and does that
// on as many threads as read: four readers take half the time of one (libuv has four threads).
const readers = 4;
const readChunk = 4 << 20;
