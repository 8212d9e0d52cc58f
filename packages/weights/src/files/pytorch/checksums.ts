import { crc32 } from 'node:zlib';
import { WeightsError } from '../../errors';
import type { RandomAccessFile } from '../random-access-file';
import type { ByteObserver } from '../read-tensor';
import type { StoredEntry } from './zip-archive';

/** Checks the entries of an archive against their checksums. */
export interface Checksums {
  /** Read a whole entry with `read`, which shows every byte to its observer. */
  check(entry: StoredEntry, read: (observe?: ByteObserver) => Promise<void>): Promise<void>;
  /** Read an entry only to check it, unless that was done before. */
  scan(entry: StoredEntry): Promise<void>;
}

export function checksumsOf(file: RandomAccessFile): Checksums {
  const checked = new Map<string, Promise<void>>();

  async function compare(entry: StoredEntry, read: (observe: ByteObserver) => Promise<void>): Promise<void> {
    let actual = 0;
    await read((bytes) => {
      actual = crc32(bytes, actual);
    });
    if (actual !== entry.crc32) throw mismatch(file.path, entry, actual);
  }

  const check = (entry: StoredEntry, read: (observe: ByteObserver) => Promise<void>): Promise<void> => {
    const result = compare(entry, read);
    checked.set(entry.name, result);
    return result;
  };

  return {
    check,
    scan: (entry) =>
      checked.get(entry.name) ??
      check(entry, async (observe) => {
        const position = await entry.start();
        const buffer = new Uint8Array(Math.min(entry.bytes, scanBytes));
        for (let done = 0; done < entry.bytes; done += buffer.length) {
          const part = buffer.subarray(0, entry.bytes - done);
          await file.read(part, position + done);
          observe(part);
        }
      }),
  };
}

/** For archives without checksums: nothing is checked. */
export const noChecksums: Checksums = {
  check: (_, read) => read(),
  scan: () => Promise.resolve(),
};

const scanBytes = 16 << 20;

function mismatch(path: string, { name, crc32: expected }: StoredEntry, actual: number): WeightsError {
  // What torch.serialization.set_crc32_options(False) writes everywhere.
  if (expected === 0) {
    return new WeightsError(
      `${path} has no checksum of "${name}": it was saved under torch.serialization.set_crc32_options(False), so damage to it cannot be seen. ` +
        'Save it with checksums, or open it with { verifyChecksums: false }, on the command line --no-checksums.',
    );
  }
  const hex = (crc: number): string => crc.toString(16).padStart(8, '0');
  return new WeightsError(`${path} is damaged: "${name}" has checksum ${hex(actual)}, not ${hex(expected)} as when it was saved. Copy or download it again.`);
}
