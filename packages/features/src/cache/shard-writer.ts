import { randomBytes } from 'node:crypto';
import { type FileHandle, open, statfs } from 'node:fs/promises';
import { FeaturesError } from '../error';
import type { ShardContent } from './covers';
import { checksum, type EncodedRecord, recordBytes } from './record';
import { type ImageState, type IndexLine, type ShardFiles, shardFiles, type ShardHeader } from './shard';

/** Appends records to a shard of its own. A kill at any moment leaves whole records before a broken end that readers ignore. */
export class ShardWriter {
  private written = 0;

  private constructor(
    private readonly folder: string,
    readonly files: ShardFiles,
    readonly content: ShardContent,
    private readonly handles: Readonly<Record<'index' | 'vectors' | 'dense', FileHandle>>,
  ) {}

  /**
   * @param expected - records that will be written.
   * @throws FeaturesError when the disk has no space for them.
   */
  static async create(folder: string, content: ShardContent, expected: number): Promise<ShardWriter> {
    const bytes = recordBytes(content.layout);
    const needed = expected * (bytes.vectors + bytes.dense);
    const { bavail, bsize } = await statfs(folder);
    if (needed > bavail * bsize) {
      throw new FeaturesError(
        `the features of ${expected} images take ${gigabytes(needed)} and ${folder} has ${gigabytes(bavail * bsize)} left; free some space, choose another cache folder or ask for fewer outputs`,
      );
    }
    const files = shardFiles(folder, randomBytes(8).toString('hex'));
    const header: ShardHeader = { format: 1, ...content };
    try {
      const [index, vectors, dense] = await Promise.all([files.index, files.vectors, files.dense].map((path) => open(path, 'wx')));
      await writeAll(index, Buffer.from(`${JSON.stringify(header)}\n`));
      return new ShardWriter(folder, files, content, { index, vectors, dense });
    } catch (cause) {
      throw writeError(cause as NodeJS.ErrnoException, folder, 0);
    }
  }

  /** Append records; returns the number of the first. */
  async append(records: readonly (EncodedRecord & { readonly image: ImageState })[]): Promise<number> {
    const { vectors, dense, index } = this.handles;
    const lines = records.map((record): IndexLine => {
      const { id, size, modified } = record.image;
      return [id, size, modified, checksum(record.vectors), checksum(record.dense)];
    });
    try {
      await writeAll(vectors, Buffer.concat(records.map((record) => record.vectors)));
      await writeAll(dense, Buffer.concat(records.map((record) => record.dense)));
      // Last, so that a line says that its record is there.
      await writeAll(index, Buffer.from(lines.map((line) => `${JSON.stringify(line)}\n`).join('')));
    } catch (cause) {
      throw writeError(cause as NodeJS.ErrnoException, this.folder, this.written);
    }
    const first = this.written;
    this.written += records.length;
    return first;
  }

  async close(): Promise<void> {
    await Promise.all(Object.values(this.handles).map((handle) => handle.close()));
  }
}

function writeError(cause: NodeJS.ErrnoException, folder: string, written: number): FeaturesError {
  const { code, message } = cause;
  const kept = `${written} images of this run are kept there`;
  // A full disk, a quota, a limit on the size of files.
  const full = code === 'ENOSPC' || code === 'EDQUOT' || code === 'EFBIG';
  return new FeaturesError(
    full
      ? `no space left for features in ${folder} (${code}); ${kept}: free some space and run again, or choose another cache folder`
      : `features cannot be written to ${folder}: ${message}; ${kept}`,
    { cause },
  );
}

async function writeAll(handle: FileHandle, bytes: Uint8Array): Promise<void> {
  for (let offset = 0; offset < bytes.length; ) {
    const { bytesWritten } = await handle.write(bytes, offset);
    offset += bytesWritten;
  }
}

const gigabytes = (bytes: number) => `${(bytes / 1e9).toFixed(bytes < 1e10 ? 3 : 0)} GB`;
