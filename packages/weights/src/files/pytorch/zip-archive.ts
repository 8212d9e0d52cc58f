import { type Entry, fromRandomAccessReaderPromise, RandomAccessReader, type ZipFile } from 'yauzl';
import { WeightsError } from '../../errors';
import type { RandomAccessFile } from '../random-access-file';

/** An entry of a zip archive. */
export interface StoredEntry {
  readonly name: string;
  readonly bytes: number;
  readonly crc32: number;
  /**
   * Find where its bytes start in the file.
   *
   * @throws WeightsError if they do not lie there as they are, but compressed or encrypted.
   */
  start(): Promise<number>;
}

const maximumEntries = 100_000;
const maximumNameBytes = 16 << 20;

/**
 * List a zip archive. Nothing is ever decompressed: torch.save stores bytes as they are.
 *
 * @throws WeightsError if the archive is damaged, or has entries that are named twice or lie outside of it.
 */
export async function listArchive(file: RandomAccessFile): Promise<ReadonlyMap<string, StoredEntry>> {
  const { path } = file;
  let archive: ZipFile;
  try {
    archive = await fromRandomAccessReaderPromise(new FileReader(file), file.size, { autoClose: false, strictFileNames: true });
  } catch (error) {
    throw damaged(path, error as Error);
  }
  if (archive.entryCount > maximumEntries) {
    throw damaged(path, new Error(`it claims ${archive.entryCount} entries, more than ${maximumEntries}`));
  }
  const entries = new Map<string, StoredEntry>();
  let nameBytes = 0;
  try {
    for await (const entry of archive.eachEntry()) {
      nameBytes += entry.fileNameLength;
      if (nameBytes > maximumNameBytes) throw new Error(`its entries' names have more than ${maximumNameBytes} bytes`);
      if (entries.has(entry.fileName)) throw new Error(`entry "${entry.fileName}" occurs twice`);
      entries.set(entry.fileName, storedEntry(path, archive, entry, file.size));
    }
  } catch (error) {
    if (error instanceof WeightsError) throw error;
    throw damaged(path, error as Error);
  }
  return entries;
}

function storedEntry(path: string, archive: ZipFile, entry: Entry, fileBytes: number): StoredEntry {
  const { fileName: name, uncompressedSize: bytes, crc32 } = entry;
  if (entry.relativeOffsetOfLocalHeader + bytes > fileBytes) {
    throw new Error(`entry "${name}" of ${bytes} bytes reaches beyond the end of the file`);
  }
  return {
    name,
    bytes,
    crc32,
    async start() {
      if (entry.compressionMethod !== 0 || entry.isEncrypted()) {
        throw new WeightsError(
          `Entry "${name}" of ${path} is ${entry.isEncrypted() ? 'encrypted' : 'compressed'}, which torch.save never does. ` +
            'If the archive was zipped anew, save the weights with torch.save, or zip them with `zip -0`.',
        );
      }
      try {
        return (await archive.readLocalFileHeaderPromise(entry, { minimal: true })).fileDataStart;
      } catch (error) {
        throw damaged(path, error as Error);
      }
    },
  };
}

const damaged = (path: string, error: Error): WeightsError =>
  new WeightsError(`${path} is damaged or truncated: as a zip archive, ${error.message}. Copy or download it again.`, { cause: error });

/** Lets yauzl read our file; it would throw outside of any handler at positions beyond 2^53. */
class FileReader extends RandomAccessReader {
  constructor(private readonly file: RandomAccessFile) {
    super();
  }

  override read(buffer: Buffer, offset: number, length: number, position: number, callback: (error: Error | null, bytesRead?: number) => void): void {
    this.file.read(buffer.subarray(offset, offset + length), position).then(
      () => callback(null, length),
      (error: Error) => callback(error),
    );
  }

  override close(callback: (error: Error | null) => void): void {
    callback(null);
  }
}
