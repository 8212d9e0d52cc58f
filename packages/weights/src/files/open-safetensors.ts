import { openFile, type RandomAccessFile } from './random-access-file';
import { allocate, readElements } from './read-tensor';
import { invalid, maximumHeaderBytes, parseHeader } from './safetensors-header';
import { elementsOf, entryOf, type StoredTensor, targetOf, type WeightsFile } from './weights-file';

/**
 * Open a safetensors file and check its header.
 *
 * @throws WeightsError if the file is missing, truncated or breaks the format's rules.
 */
export async function openSafetensors(path: string): Promise<WeightsFile> {
  const file = await openFile(path);
  try {
    return await readSafetensorsHeader(file);
  } catch (error) {
    await file.close();
    throw error;
  }
}

/** The safetensors file that `file` holds, and closes. */
export async function readSafetensorsHeader(file: RandomAccessFile): Promise<WeightsFile> {
  const { path, size } = file;
  if (size < 8) throw invalid(path, `it holds ${size} bytes, less than the 8 of the header's length`);
  const prefix = new Uint8Array(8);
  await file.read(prefix, 0);
  const headerBytes = Number(new DataView(prefix.buffer).getBigUint64(0, true));
  if (headerBytes > maximumHeaderBytes) {
    throw invalid(path, `its header claims ${headerBytes} bytes, above the format's bound of ${maximumHeaderBytes}`);
  }
  if (8 + headerBytes > size) {
    throw invalid(path, `it is truncated: its header needs ${8 + headerBytes} bytes, it holds ${size}`);
  }
  const json = new Uint8Array(headerBytes);
  await file.read(json, 8);
  const dataStart = 8 + headerBytes;
  const { entries, metadata } = parseHeader(path, json, size - dataStart);
  return {
    path,
    format: 'safetensors',
    metadata,
    values: new Map(),
    entries,
    async read(name) {
      const { dtype, shape, begin } = entryOf(path, entries, name);
      const data = allocate(path, dtype, elementsOf(shape));
      await readElements(file, dataStart + begin, dtype, data);
      return { dtype, shape, data };
    },
    async readInto(name, target, offset = 0) {
      const entry = entryOf(path, entries, name);
      await readElements(file, dataStart + entry.begin, entry.dtype, targetOf(path, name, entry, target, offset));
    },
    close: () => file.close(),
  };
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
    const tensors: [string, StoredTensor][] = [];
    for (const name of file.entries.keys()) tensors.push([name, await file.read(name)]);
    return { tensors: Object.fromEntries(tensors), metadata: file.metadata };
  } finally {
    await file.close();
  }
}
