import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readFloat16, writeFloat16 } from './float16';

/** The value of an IEEE half by its definition. */
function valueOf(half: number): number {
  const sign = half & 0x8000 ? -1 : 1;
  const exponent = (half >> 10) & 0x1f;
  const fraction = half & 0x3ff;
  if (exponent === 0x1f) return fraction === 0 ? sign * Infinity : NaN;
  return exponent === 0 ? sign * fraction * 2 ** -24 : sign * (1024 + fraction) * 2 ** (exponent - 25);
}

const rounded = (values: Float32Array): Float32Array => readFloat16(writeFloat16(values));
// NaNs have many bit patterns and are left out: exponent 31 with a fraction.
const halves = Uint16Array.from({ length: 1 << 16 }, (_, half) => ((half & 0x7fff) > 0x7c00 ? 0 : half));

describe('float16', () => {
  it('reads every half as its definition says', () => {
    expect(readFloat16(halves)).toEqual(Float32Array.from(halves, valueOf));
    expect(readFloat16(Uint16Array.of(0x7e01, 0xfc01))).toEqual(Float32Array.of(NaN, NaN));
  });

  it('gives back every half to the bit', () => {
    expect(writeFloat16(readFloat16(halves))).toEqual(halves);
    expect(rounded(Float32Array.of(NaN))[0]).toBeNaN();
  });

  it('takes the nearest half, within 2^-11 of the value or 2^-25', () => {
    fc.assert(
      fc.property(fc.float({ min: -65504, max: 65504, noNaN: true }), (value) => {
        const error = Math.abs(rounded(Float32Array.of(value))[0]! - value);
        expect(error).toBeLessThanOrEqual(Math.max(2 ** -11 * Math.abs(value), 2 ** -25));
      }),
    );
  });

  it('rounds to the nearest, ties to even', () => {
    for (let low = 0; low < 0x7bff; low++) {
      const [a, b] = [valueOf(low), valueOf(low + 1)];
      const near = (b - a) / 1024;
      const middle = (a + b) / 2;
      const even = low % 2 === 0 ? low : low + 1;
      expect([...writeFloat16(Float32Array.of(middle, middle - near, middle + near, -middle))]).toEqual([even, low, low + 1, even | 0x8000]);
    }
  });

  it('is infinite from 65520, half way beyond the largest half', () => {
    expect([...rounded(Float32Array.of(65519, 65520, -1e30))]).toEqual([65504, Infinity, -Infinity]);
  });

  it('writes into what it is given', () => {
    const target = new Uint16Array(3);
    expect(writeFloat16(Float32Array.of(1, -2), target.subarray(1)).length).toBe(2);
    expect([...target]).toEqual([0, 0x3c00, 0xc000]);
    const values = new Float32Array(3);
    readFloat16(target, values);
    expect([...values]).toEqual([0, 1, -2]);
  });
});
