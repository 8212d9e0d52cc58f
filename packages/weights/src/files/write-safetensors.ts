import { createHash } from 'node:crypto';
import type { FileHandle } from 'node:fs/promises';
import { endianness } from 'node:os';
import { atomicWrite } from './atomic-write';
import { dtypeOf, dtypes, type Dtype, type WeightData } from './dtypes';
import { WeightsError } from '../errors';

/** A tensor to write, with its values at hand. `BOOL` must be asked for: bytes are `U8` otherwise. */
export interface HostTensor {
  readonly shape: readonly number[];
  readonly data: WeightData;
  readonly dtype?: 'F32' | 'I32' | 'I64' | 'U8' | 'BOOL';
}

/** A tensor whose values are fetched when their turn comes, so that only one is in memory at a time. */
export interface LazyTensor {
  readonly shape: readonly number[];
  readonly dtype: 'F32' | 'I32' | 'I64' | 'U8' | 'BOOL';
  load(): Promise<WeightData>;
}

/** Size and SHA-256 of a written file. */
export interface WrittenFile {
  readonly bytes: number;
  readonly sha256: string;
}

/**
 * Write tensors to a safetensors file: aside, synced, then renamed over `path`.
 *
 * Tensors are laid out by type, widest first, then by name, as the format's own writer does, so equal
 * tensors give equal files.
 *
 * @throws WeightsError if a shape does not fit its data, or the file cannot be written; an older
 * file at `path` is then untouched.
 */
export async function writeSafetensors(
  path: string,
  tensors: Readonly<Record<string, HostTensor | LazyTensor>>,
  metadata: Readonly<Record<string, string>> = {},
): Promise<WrittenFile> {
  if (endianness() !== 'LE') throw new WeightsError('safetensors files are written on little-endian machines only.');
  const order = Object.entries(tensors)
    .map(([name, tensor]) => {
      const dtype: Dtype = 'load' in tensor ? tensor.dtype : (tensor.dtype ?? dtypeOf(tensor.data));
      const bytes = tensor.shape.reduce((a, b) => a * b, 1) * dtypes[dtype].bytes;
      return { name, tensor, dtype, bytes };
    })
    .sort((a, b) => rank[a.dtype] - rank[b.dtype] || (a.name < b.name ? -1 : 1));

  const header: [string, unknown][] = Object.keys(metadata).length > 0 ? [['__metadata__', metadata]] : [];
  let position = 0;
  for (const { name, tensor, dtype, bytes } of order) {
    if (name === '__metadata__') throw new WeightsError(`A tensor of ${path} may not be called "__metadata__".`);
    header.push([name, { dtype, shape: tensor.shape, data_offsets: [position, (position += bytes)] }]);
  }

  const hash = createHash('sha256');
  let written = 0;
  const append = async (file: FileHandle, bytes: Uint8Array): Promise<void> => {
    hash.update(bytes);
    for (let done = 0; done < bytes.length; ) {
      const { bytesWritten } = await file.write(bytes, done, Math.min(writeChunk, bytes.length - done));
      done += bytesWritten;
    }
    written += bytes.length;
  };
  try {
    await atomicWrite(path, async (file) => {
      await append(file, encodeHeader(header));
      for (const { name, tensor, dtype, bytes } of order) {
        const data = 'load' in tensor ? await tensor.load() : tensor.data;
        if (data.byteLength !== bytes) {
          throw new WeightsError(
            `Tensor "${name}" for ${path} of type ${dtype} and shape [${tensor.shape}] needs ${bytes} bytes, its data has ${data.byteLength}.`,
          );
        }
        await append(file, new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
      }
    });
  } catch (error) {
    if (error instanceof WeightsError) throw error;
    const { code, message } = error as NodeJS.ErrnoException;
    const remedy = code === 'ENOSPC' ? 'Free disk space' : 'Check the folder and its permissions';
    throw new WeightsError(`Cannot write ${path}: ${message}. ${remedy}; an older file there is untouched.`, { cause: error });
  }
  return { bytes: written, sha256: hash.digest('hex') };
}

const rank = Object.fromEntries(Object.keys(dtypes).map((dtype, index) => [dtype, index])) as Record<Dtype, number>;

// Below the 2 GiB that one write call may take.
const writeChunk = 1 << 30;

/**
 * Length, JSON, and spaces up to a multiple of 8, so that every tensor is aligned to its element size.
 * Entry by entry: an object would put names that are numbers first, and lose one called "__proto__".
 */
function encodeHeader(header: readonly (readonly [string, unknown])[]): Uint8Array {
  const entries = header.map(([name, value]) => `${JSON.stringify(name)}:${JSON.stringify(value)}`);
  const json = new TextEncoder().encode(`{${entries.join(',')}}`);
  const padded = Math.ceil(json.length / 8) * 8;
  const bytes = new Uint8Array(8 + padded).fill(0x20);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(padded), true);
  bytes.set(json, 8);
  return bytes;
}
