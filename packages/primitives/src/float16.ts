const float = new Float32Array(1);
const bits = new Uint32Array(float.buffer);
let table: Uint32Array | undefined;

/** Largest value that a half-precision number holds. */
export const maximumFloat16 = 65504;

/**
 * The nearest IEEE halves of float32 values, ties to even: a relative error of at most 2⁻¹¹, and
 * below 2⁻¹⁴ an absolute one of at most 2⁻²⁵. Magnitudes from 65520 become infinite.
 *
 * @param target - gets the bits of the halves; a new array by default.
 */
export function writeFloat16(values: Float32Array, target: Uint16Array = new Uint16Array(values.length)): Uint16Array {
  const source = bitsOf(values);
  for (let i = 0; i < source.length; i++) {
    const sign = (source[i]! >>> 16) & 0x8000;
    const magnitude = source[i]! & 0x7fffffff;
    if (magnitude >= 0x477ff000) {
      target[i] = sign | (magnitude > 0x7f800000 ? 0x7e00 : 0x7c00); // NaN or infinity
    } else if (magnitude >= 0x38800000) {
      // 2^-14 and more: another exponent bias, and 13 bits of the fraction rounded away.
      target[i] = sign | ((magnitude - 0x38000000 + 0xfff + ((magnitude >>> 13) & 1)) >>> 13);
    } else {
      // Added to ½, the smallest steps of a half, 2^-24, are the last bit of the sum.
      bits[0] = magnitude;
      float[0]! += 0.5;
      target[i] = sign | (bits[0]! - 0x3f000000);
    }
  }
  return target;
}

/**
 * The values of IEEE halves; exact.
 *
 * @param halves - their bits
 * @param target - gets the values; a new array by default.
 */
export function readFloat16(halves: Uint16Array, target: Float32Array = new Float32Array(halves.length)): Float32Array {
  table ??= Uint32Array.from({ length: 1 << 16 }, (_, half) => float32Bits(half));
  const to = bitsOf(target);
  for (let i = 0; i < halves.length; i++) to[i] = table[halves[i]!]!;
  return target;
}

const bitsOf = (values: Float32Array): Uint32Array => new Uint32Array(values.buffer, values.byteOffset, values.length);

/** Bits of the float32 equal to a half: every half, subnormals included, is exact in float32. */
function float32Bits(half: number): number {
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
