import { type FileHandle, open } from 'node:fs/promises';
import { dtypes, type SafetensorsDtype, type WeightData } from './dtypes';
import { WeightsError } from './errors';
import { invalid, maximumHeaderBytes, parseHeader, type TensorEntry } from './header';

/** A tensor of a file. `F16` and `BF16` are widened to float32; `dtype` is the file's. */
export interface StoredTensor {
  readonly dtype: SafetensorsDtype;
  readonly shape: readonly number[];
  readonly data: WeightData;
}

/** An open safetensors file: the header is read and checked, tensors are read when asked for. */
export interface SafetensorsFile {
  readonly metadata: Readonly<Record<string, string>>;
  /** Types and shapes by tensor name. */
  readonly entries: ReadonlyMap<string, TensorEntry>;
  /** Read one tensor into its own new buffer. */
  read(name: string): Promise<StoredTensor>;
  close(): Promise<void>;
}

/**
 * Open a safetensors file and check its header.
 *
 * @throws WeightsError if the file is missing, truncated or breaks the format's rules.
 */
export async function openSafetensors(path: string): Promise<SafetensorsFile> {
  let file: FileHandle;
  try {
    file = await open(path, 'r');
  } catch (error) {
    throw new WeightsError(`Cannot open ${path}: ${(error as Error).message}. Check the path and its permissions.`, { cause: error });
  }
  try {
    const { size } = await file.stat();
    if (size < 8) throw invalid(path, `it holds ${size} bytes, less than the 8 of the header's length`);
    const prefix = await readExactly(file, path, 0, 8);
    const headerBytes = Number(new DataView(prefix.buffer).getBigUint64(0, true));
    if (headerBytes > maximumHeaderBytes) {
      throw invalid(path, `its header claims ${headerBytes} bytes, above the format's bound of ${maximumHeaderBytes}`);
    }
    if (8 + headerBytes > size) {
      throw invalid(path, `it is truncated: its header needs ${8 + headerBytes} bytes, it holds ${size}`);
    }
    const json = new TextDecoder().decode(await readExactly(file, path, 8, headerBytes));
    const dataStart = 8 + headerBytes;
    const { entries, metadata } = parseHeader(path, json, size - dataStart);
    return {
      metadata,
      entries,
      async read(name) {
        const entry = entries.get(name);
        if (entry === undefined) {
          throw new WeightsError(`${path} has no tensor "${name}"; it has ${listSome([...entries.keys()])}.`);
        }
        const bytes = await readExactly(file, path, dataStart + entry.begin, entry.end - entry.begin);
        return { dtype: entry.dtype, shape: entry.shape, data: dtypes[entry.dtype].decode(bytes) };
      },
      close: () => file.close(),
    };
  } catch (error) {
    await file.close();
    throw error;
  }
}

/**
 * Read every tensor of a safetensors file.
 *
 * @throws WeightsError if the file is missing, truncated or breaks the format's rules.
 */
export async function readSafetensors(
  path: string,
): Promise<{ tensors: Record<string, StoredTensor>; metadata: Readonly<Record<string, string>> }> {
  const file = await openSafetensors(path);
  try {
    const tensors: Record<string, StoredTensor> = {};
    for (const name of file.entries.keys()) tensors[name] = await file.read(name);
    return { tensors, metadata: file.metadata };
  } finally {
    await file.close();
  }
}

// Below the 2 GiB that one read call may return.
const readChunk = 1 << 30;

async function readExactly(
  file: FileHandle,
  path: string,
  position: number,
  length: number,
): Promise<Uint8Array<ArrayBuffer>> {
  const bytes = new Uint8Array(length);
  let done = 0;
  while (done < length) {
    const { bytesRead } = await file.read(bytes, done, Math.min(readChunk, length - done), position + done);
    if (bytesRead === 0) throw invalid(path, `it became shorter while it was read (at byte ${position + done})`);
    done += bytesRead;
  }
  return bytes;
}

function listSome(names: readonly string[]): string {
  if (names.length === 0) return 'none';
  return names.slice(0, 5).map((name) => `"${name}"`).join(', ') + (names.length > 5 ? ` and ${names.length - 5} more` : '');
}
