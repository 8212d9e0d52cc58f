import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readFloat16, writeFloat16 } from './float16';

function rounded(values: Float32Array): Float32Array {
  const halves = new Uint16Array(values.length);
  writeFloat16(values, halves);
  return readFloat16(halves);
}

describe('float16', () => {
  it('gives back every half to the bit', () => {
    // NaNs have many bit patterns and are left out: exponent 31 with a fraction.
    const halves = Uint16Array.from({ length: 1 << 16 }, (_, half) => ((half & 0x7fff) > 0x7c00 ? 0 : half));
    const back = new Uint16Array(halves.length);
    writeFloat16(readFloat16(halves), back);
    expect(back).toEqual(halves);
    expect(rounded(Float32Array.of(NaN))[0]).toBeNaN();
  });

  it('takes the nearest half, within 2^-11 of the value or 2^-25', () => {
    fc.assert(
      fc.property(fc.float({ min: -65504, max: 65504, noNaN: true }), (value) => {
        const error = Math.abs(rounded(Float32Array.of(value))[0] - value);
        expect(error).toBeLessThanOrEqual(Math.max(2 ** -11 * Math.abs(value), 2 ** -25));
      }),
    );
  });

  it('rounds ties to even, and beyond the largest to infinity', () => {
    // Halves near 1 are 2^-10 apart; 65520 is half way from 65504 to the next, which is none.
    const values = Float32Array.of(1 + 2 ** -11, 1 + 3 * 2 ** -11, 65519, 65520, -1e30, 2 ** -25, 3 * 2 ** -25);
    expect([...rounded(values)]).toEqual([1, 1 + 2 ** -9, 65504, Infinity, -Infinity, 0, 2 ** -23]);
  });
});
