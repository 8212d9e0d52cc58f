const float = new Float32Array(1);
const bits = new Uint32Array(float.buffer);
let table: Float32Array | undefined;

/** Largest value that a half-precision number holds. */
export const maximumFloat16 = 65504;

/**
 * Write float32 values as the nearest IEEE halves, ties to even: a relative error of at most 2⁻¹¹, and
 * below 2⁻¹⁴ an absolute one of at most 2⁻²⁵. Magnitudes from 65520 become infinite.
 */
export function writeFloat16(values: Float32Array, target: Uint16Array): void {
  const source = new Uint32Array(values.buffer, values.byteOffset, values.length);
  for (let i = 0; i < source.length; i++) {
    const sign = (source[i] >>> 16) & 0x8000;
    const magnitude = source[i] & 0x7fffffff;
    if (magnitude >= 0x477ff000) {
      target[i] = sign | (magnitude > 0x7f800000 ? 0x7e00 : 0x7c00); // NaN or infinity
    } else if (magnitude >= 0x38800000) {
      // 2^-14 and more: another exponent bias, and 13 bits of the fraction rounded away.
      target[i] = sign | ((magnitude - 0x38000000 + 0xfff + ((magnitude >>> 13) & 1)) >>> 13);
    } else {
      // Added to ½, the smallest steps of a half, 2^-24, are the last bit of the sum.
      bits[0] = magnitude;
      float[0] += 0.5;
      target[i] = sign | (bits[0] - 0x3f000000);
    }
  }
}

/** Values of IEEE halves; exact. */
export function readFloat16(halves: Uint16Array): Float32Array {
  table ??= Float32Array.from({ length: 1 << 16 }, (_, half) => valueOf(half));
  const values = new Float32Array(halves.length);
  for (let i = 0; i < values.length; i++) values[i] = table[halves[i]];
  return values;
}

function valueOf(half: number): number {
  const sign = half & 0x8000 ? -1 : 1;
  const exponent = (half >> 10) & 0x1f;
  const fraction = half & 0x3ff;
  if (exponent === 0x1f) return fraction === 0 ? sign * Infinity : NaN;
  return exponent === 0 ? sign * fraction * 2 ** -24 : sign * (1024 + fraction) * 2 ** (exponent - 25);
}
