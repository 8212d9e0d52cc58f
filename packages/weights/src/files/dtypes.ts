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
  F16: { bytes: 2, allocate: floats, toFloat32: widenFloat16 },
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

function widenFloat16(source: ArrayBuffer, target: Float32Array): void {
  halfTable ??= Uint32Array.from({ length: 1 << 16 }, (_, half) => halfToFloat(half));
  const table = halfTable;
  const from = new Uint16Array(source, 0, target.length);
  const to = bitsOf(target);
  for (let i = 0; i < to.length; i++) to[i] = table[from[i]];
}

// Without BigInt, which would allocate one object per element.
function narrowInt64(source: ArrayBuffer, target: Float32Array): void {
  const low = new Uint32Array(source, 0, 2 * target.length);
  const high = new Int32Array(source, 0, 2 * target.length);
  for (let i = 0; i < target.length; i++) target[i] = high[2 * i + 1] * 2 ** 32 + low[2 * i];
}

let halfTable: Uint32Array | undefined;

/** Bits of the float32 equal to an IEEE half: every half, subnormals included, is exact in float32. */
function halfToFloat(half: number): number {
  const sign = (half & 0x8000) << 16;
  const exponent = (half >> 10) & 0x1f;
  const fraction = half & 0x3ff;
  if (exponent === 0x1f) return sign | 0x7f800000 | (fraction << 13);
  if (exponent !== 0) return sign | ((exponent + 112) << 23) | (fraction << 13);
  if (fraction === 0) return sign;
  // Subnormal: shift the leading one up to the implicit bit.
  const shift = Math.clz32(fraction) - 21;
  return sign | ((113 - shift) << 23) | (((fraction << shift) & 0x3ff) << 13);
}
