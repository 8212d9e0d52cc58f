/** Element types of a safetensors file that this package reads. */
export type SafetensorsDtype = 'F32' | 'I32' | 'I64' | 'U8' | 'BOOL' | 'F16' | 'BF16';

/** Host arrays of tensors. Boolean tensors are bytes 0 and 1. */
export type WeightData = Float32Array | Int32Array | BigInt64Array | Uint8Array;

interface Dtype {
  readonly bytes: number;
  /** View or widen the file's little-endian bytes, which are the whole of `bytes.buffer`. */
  decode(bytes: Uint8Array<ArrayBuffer>): WeightData;
}

/** In the order in which the format's own writer lays tensors out. */
export const dtypes: Readonly<Record<SafetensorsDtype, Dtype>> = {
  I64: { bytes: 8, decode: (bytes) => new BigInt64Array(bytes.buffer) },
  F32: { bytes: 4, decode: (bytes) => new Float32Array(bytes.buffer) },
  I32: { bytes: 4, decode: (bytes) => new Int32Array(bytes.buffer) },
  F16: { bytes: 2, decode: (bytes) => widen(bytes, halfToFloat) },
  BF16: { bytes: 2, decode: (bytes) => widen(bytes, (bits) => bits << 16) },
  U8: { bytes: 1, decode: (bytes) => bytes },
  BOOL: { bytes: 1, decode: (bytes) => bytes },
};

/** The type a host array is stored as, unless the writer says otherwise. */
export function dtypeOf(data: WeightData): SafetensorsDtype {
  if (data instanceof Float32Array) return 'F32';
  if (data instanceof Int32Array) return 'I32';
  if (data instanceof BigInt64Array) return 'I64';
  return 'U8';
}

function widen(bytes: Uint8Array<ArrayBuffer>, convert: (bits: number) => number): Float32Array {
  const source = new Uint16Array(bytes.buffer);
  const bits = new Uint32Array(source.length);
  for (let i = 0; i < source.length; i++) bits[i] = convert(source[i]);
  return new Float32Array(bits.buffer);
}

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
