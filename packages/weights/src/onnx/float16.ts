const floats = new Float32Array(1);
const bits = new Uint32Array(floats.buffer);

/** Largest magnitude that rounds to a finite IEEE half. */
export const maximumFloat16 = 65504;

/** Whether the half with these bits is infinite. */
export const isInfinite = (half: number): boolean => (half & 0x7fff) === 0x7c00;

/** IEEE halves nearest to float32 values, ties to even; magnitudes from 65520 become infinite. */
export function toFloat16(values: Float32Array): Uint16Array {
  const source = new Uint32Array(values.buffer, values.byteOffset, values.length);
  const halves = new Uint16Array(source.length);
  for (let i = 0; i < source.length; i++) {
    const sign = (source[i]! >>> 16) & 0x8000;
    const magnitude = source[i]! & 0x7fffffff;
    if (magnitude >= 0x7f800000) {
      // Infinity, or a NaN with its highest bit kept.
      halves[i] = sign | 0x7c00 | (magnitude > 0x7f800000 ? 0x200 : 0);
    } else if (magnitude >= 0x477ff000) {
      halves[i] = sign | 0x7c00;
    } else if (magnitude >= 0x38800000) {
      // Normal: the exponent's bias goes from 127 to 15, 13 bits of the fraction are rounded away.
      const odd = (magnitude >>> 13) & 1;
      halves[i] = sign | ((magnitude - 0x38000000 + 0xfff + odd) >>> 13);
    } else {
      // Subnormal: adding 0.5 leaves multiples of 2^-24, rounded to even, in the low bits.
      bits[0] = magnitude;
      floats[0] = floats[0]! + 0.5;
      halves[i] = sign | (bits[0]! - 0x3f000000);
    }
  }
  return halves;
}
