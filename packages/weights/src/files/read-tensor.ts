import { WeightsError } from '../errors';
import { type Dtype, dtypes, type WeightData } from './dtypes';
import type { RandomAccessFile } from './random-access-file';

/** Sees a range's bytes in order, while they are read: a checksum. */
export type ByteObserver = (bytes: Uint8Array) => void;

/** Read `target.length` elements that lie at `position` in the file, converted to float32. */
export async function readFloat32(
  file: RandomAccessFile,
  position: number,
  dtype: Dtype,
  target: Float32Array,
  observe?: ByteObserver,
): Promise<void> {
  if (dtype === 'F32') return readVerbatim(file, position, target, observe);
  const { bytes, toFloat32 } = dtypes[dtype];
  const step = Math.min(stagingBytes / bytes, target.length);
  // Two buffers: one is filled while the other is converted.
  const staging = [new ArrayBuffer(step * bytes), new ArrayBuffer(step * bytes)];
  const load = async (begin: number, buffer: ArrayBuffer): Promise<Uint8Array> => {
    const part = new Uint8Array(buffer, 0, Math.min(step, target.length - begin) * bytes);
    await file.read(part, position + begin * bytes);
    return part;
  };
  let pending = target.length > 0 ? load(0, staging[0]) : undefined;
  for (let begin = 0, turn = 1; pending !== undefined; begin += step, turn ^= 1) {
    const part = await pending;
    pending = begin + step < target.length ? load(begin + step, staging[turn]) : undefined;
    observe?.(part);
    toFloat32(part.buffer as ArrayBuffer, target.subarray(begin, begin + step));
  }
}

/** Read a tensor's elements into the array that its type has on the host. */
export async function readHost(
  file: RandomAccessFile,
  position: number,
  dtype: Dtype,
  elements: number,
  observe?: ByteObserver,
): Promise<WeightData> {
  const data = allocate(file.path, dtype, elements);
  if (dtypes[dtype].verbatim) await readVerbatim(file, position, data, observe);
  else await readFloat32(file, position, dtype, data as Float32Array, observe);
  return data;
}

/** @throws WeightsError if there is not enough memory. */
export function allocate(path: string, dtype: Dtype, elements: number): WeightData {
  try {
    return dtypes[dtype].allocate(elements);
  } catch (error) {
    throw new WeightsError(`A tensor of ${elements} elements in ${path} needs more memory than there is. Read it in parts, or use a larger machine.`, { cause: error });
  }
}

async function readVerbatim(file: RandomAccessFile, position: number, data: WeightData, observe?: ByteObserver): Promise<void> {
  const bytes = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
  if (observe === undefined) return file.read(bytes, position);
  let pending: Promise<void> | undefined;
  for (let begin = 0; begin < bytes.length; begin += observedBytes) {
    const part = bytes.subarray(begin, begin + observedBytes);
    pending ??= file.read(part, position);
    await pending;
    const next = begin + observedBytes;
    pending = next < bytes.length ? file.read(bytes.subarray(next, next + observedBytes), position + next) : undefined;
    observe(part);
  }
}

const stagingBytes = 4 << 20;
// The checksum of one part overlaps the reading of the next, which wants several readers at once.
const observedBytes = 64 << 20;
