import { type FileHandle, open } from 'node:fs/promises';
import * as zlib from 'node:zlib';
import { type AsyncBuffer, type FileMetaData, parquetMetadataAsync } from 'hyparquet';
import { CurationError } from '../error';

/** An open Parquet file, read in parts. */
export interface ParquetFile extends AsyncBuffer {
  readonly path: string;
  readonly metadata: FileMetaData;
  slice(start: number, end?: number): Promise<ArrayBuffer>;
  /** Fill `target` from `position`. */
  readInto(target: Uint8Array, position: number): Promise<void>;
  close(): Promise<void>;
}

/**
 * Open a Parquet file and read what its end says.
 *
 * @throws CurationError when it is missing, cut off or no Parquet file
 */
export async function openParquetFile(path: string): Promise<ParquetFile> {
  const file = await open(path).catch((cause: Error) => {
    throw new CurationError(`${path} cannot be opened: ${cause.message}`, { cause });
  });
  try {
    const { size } = await file.stat();
    const readInto = (target: Uint8Array, position: number) => readFully(file, path, target, position);
    const slice = async (start: number, end = size) => {
      if (!(start >= 0 && end >= start && end <= size)) throw new CurationError(`${path} says that it holds bytes ${start} to ${end} and has ${size}; it was cut or damaged: write or copy it again`);
      const bytes = new Uint8Array(end - start);
      await readInto(bytes, start);
      return bytes.buffer;
    };
    const buffer = { byteLength: size, slice };
    const metadata = await parquetMetadataAsync(buffer).catch((cause: Error) => {
      throw new CurationError(`${path} is no whole Parquet file: ${cause.message}; it was cut or damaged: write or copy it again`, { cause });
    });
    return { ...buffer, path, metadata, readInto, close: () => file.close() };
  } catch (error) {
    await file.close();
    throw error;
  }
}

async function readFully(file: FileHandle, path: string, target: Uint8Array, position: number): Promise<void> {
  for (let filled = 0; filled < target.length; ) {
    const { bytesRead } = await file.read(target, filled, Math.min(target.length - filled, 2 ** 30), position + filled);
    if (bytesRead === 0) throw new CurationError(`${path} ends at byte ${position + filled}, before what it should hold; it was cut: write or copy it again`);
    filled += bytesRead;
  }
}

/** Do something with what a file says; if that makes no sense, the file is damaged. */
export async function sensibly<T>(path: string, work: () => T | Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (cause) {
    if (cause instanceof CurationError) throw cause;
    throw new CurationError(`${path} is damaged: ${(cause as Error).message}; write or copy it again`, { cause });
  }
}

type Decompress = (input: Uint8Array, outputLength: number) => Uint8Array;

/** What Node decompresses, beside hyparquet's own Snappy; Zstandard from Node 22.15. */
export const compressors: Readonly<Record<string, Decompress>> = {
  GZIP: (input) => zlib.gunzipSync(input),
  BROTLI: (input) => zlib.brotliDecompressSync(input),
  ...('zstdDecompressSync' in zlib && { ZSTD: zlib.zstdDecompressSync as Decompress }),
};
