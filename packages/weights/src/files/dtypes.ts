import { readFloat16 } from '@dinov2/primitives';

/** Element types that this package reads, by their names in safetensors files. */
export type Dtype = 'I64' | 'F64' | 'F32' | 'I32' | 'BF16' | 'F16' | 'U8' | 'BOOL';

/** Host arrays of tensors. Boolean tensors are bytes 0 and 1. */
export type WeightData = Float32Array | Int32Array | BigInt64Array | Uint8Array;

interface DtypeTraits {
  /** Bytes per element in the file. */
  readonly bytes: number;
  /** The array that holds such a tensor on the host. */
  allocate(elements: number): WeightData;
  /** Convert `target.length` elements, whose file bytes are the start of `source`, to float32. */
  toFloat32(source: ArrayBuffer, target: Float32Array): void;
}

const floats = (elements: number): Float32Array => new Float32Array(elements);
const bytes = (elements: number): Uint8Array => new Uint8Array(elements);

/** In the order in which the safetensors library lays tensors out. */
export const dtypes: Readonly<Record<Dtype, DtypeTraits>> = {
  I64: { bytes: 8, allocate: (n) => new BigInt64Array(n), toFloat32: narrowInt64 },
  F64: { bytes: 8, allocate: floats, toFloat32: (source, target) => target.set(new Float64Array(source, 0, target.length)) },
  F32: { bytes: 4, allocate: floats, toFloat32: (source, target) => target.set(new Float32Array(source, 0, target.length)) },
  I32: { bytes: 4, allocate: (n) => new Int32Array(n), toFloat32: (source, target) => target.set(new Int32Array(source, 0, target.length)) },
  BF16: { bytes: 2, allocate: floats, toFloat32: widenBfloat16 },
  F16: { bytes: 2, allocate: floats, toFloat32: (source, target) => readFloat16(new Uint16Array(source, 0, target.length), target) },
  U8: { bytes: 1, allocate: bytes, toFloat32: (source, target) => target.set(new Uint8Array(source, 0, target.length)) },
  BOOL: { bytes: 1, allocate: bytes, toFloat32: (source, target) => target.set(new Uint8Array(source, 0, target.length)) },
};

/** The type a host array is stored as, unless the writer says otherwise. */
export function dtypeOf(data: WeightData): Dtype {
  if (data instanceof Float32Array) return 'F32';
  if (data instanceof Int32Array) return 'I32';
  if (data instanceof BigInt64Array) return 'I64';
  return 'U8';
}

const bitsOf = (target: Float32Array): Uint32Array => new Uint32Array(target.buffer, target.byteOffset, target.length);

function widenBfloat16(source: ArrayBuffer, target: Float32Array): void {
  const from = new Uint16Array(source, 0, target.length);
  const to = bitsOf(target);
  for (let i = 0; i < to.length; i++) to[i] = from[i] << 16;
}

// Without BigInt, which would allocate one object per element.
function narrowInt64(source: ArrayBuffer, target: Float32Array): void {
  const low = new Uint32Array(source, 0, 2 * target.length);
  const high = new Int32Array(source, 0, 2 * target.length);
  for (let i = 0; i < target.length; i++) target[i] = high[2 * i + 1] * 2 ** 32 + low[2 * i];
}
