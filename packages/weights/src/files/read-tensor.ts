import { WeightsError } from '../errors';
import { type Dtype, dtypes, type WeightData } from './dtypes';
import type { RandomAccessFile } from './random-access-file';

/** Sees a range's bytes in order, while they are read: a checksum. */
export type ByteObserver = (bytes: Uint8Array) => void;

/**
 * Read the elements that lie from `position` on in the file into `target`: as they are if it is the
 * array that their type has on the host, converted to float32 if it is a `Float32Array`.
 */
export async function readElements(
  file: RandomAccessFile,
  position: number,
  dtype: Dtype,
  target: WeightData,
  observe?: ByteObserver,
): Promise<void> {
  if (target.length > partElements) {
    for (let begin = 0; begin < target.length; begin += partElements) {
      await readElements(file, position + begin * dtypes[dtype].bytes, dtype, target.subarray(begin, begin + partElements), observe);
    }
    return;
  }
  if (target instanceof Float32Array && dtype !== 'F32') return readConverted(file, position, dtype, target, observe);
  const bytes = new Uint8Array(target.buffer, target.byteOffset, target.byteLength);
  if (observe === undefined) return file.read(bytes, position);
  // The checksum of one part overlaps the reading of the next.
  let pending = file.read(bytes.subarray(0, observedBytes), position);
  for (let begin = 0; begin < bytes.length; begin = begin + observedBytes) {
    await pending;
    const next = begin + observedBytes;
    pending = file.read(bytes.subarray(next, next + observedBytes), position + next);
    observe(bytes.subarray(begin, next));
  }
  await pending;
}

async function readConverted(
  file: RandomAccessFile,
  position: number,
  dtype: Dtype,
  target: Float32Array,
  observe?: ByteObserver,
): Promise<void> {
  const { bytes, toFloat32 } = dtypes[dtype];
  const step = Math.max(1, Math.min(stagingBytes / bytes, target.length));
  // Two buffers: one is filled while the other is converted.
  const staging = [new ArrayBuffer(step * bytes), new ArrayBuffer(step * bytes)];
  const load = async (begin: number, buffer: ArrayBuffer): Promise<Uint8Array> => {
    const part = new Uint8Array(buffer, 0, Math.max(0, Math.min(step, target.length - begin)) * bytes);
    await file.read(part, position + begin * bytes);
    return part;
  };
  let pending = load(0, staging[0]);
  for (let begin = 0, turn = 0; begin < target.length; begin += step, turn ^= 1) {
    const part = await pending;
    pending = load(begin + step, staging[turn ^ 1]);
    observe?.(part);
    toFloat32(staging[turn], target.subarray(begin, begin + step));
  }
  await pending;
}

/** @throws WeightsError if there is not enough memory. */
export function allocate(path: string, dtype: Dtype, elements: number): WeightData {
  try {
    return dtypes[dtype].allocate(elements);
  } catch (error) {
    throw new WeightsError(`A tensor of ${elements} elements in ${path} needs more memory than there is. Read it in parts, or use a larger machine.`, { cause: error });
  }
}

// Node 20 has no byte array of more than 4 GiB.
const partElements = 1 << 28;
const stagingBytes = 4 << 20;
const observedBytes = 8 << 20;
