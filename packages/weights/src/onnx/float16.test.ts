import { describe, expect, it } from 'vitest';
import { toFloat16 } from './float16';

/** The value of an IEEE half by its definition. */
function valueOf(half: number): number {
  const sign = half & 0x8000 ? -1 : 1;
  const exponent = (half >> 10) & 0x1f;
  const fraction = half & 0x3ff;
  if (exponent === 0x1f) return fraction === 0 ? sign * Infinity : NaN;
  return exponent === 0 ? sign * fraction * 2 ** -24 : sign * (1024 + fraction) * 2 ** (exponent - 25);
}

const finite = Array.from({ length: 0x7c00 }, (_, half) => half);

describe('toFloat16', () => {
  it('gives every half back', () => {
    const halves = [...finite, ...finite.map((half) => half | 0x8000), 0x7c00, 0xfc00];
    expect([...toFloat16(Float32Array.from(halves, valueOf))]).toEqual(halves);
    expect(valueOf(toFloat16(Float32Array.of(NaN))[0]!)).toBeNaN();
  });

  it('rounds to the nearest half, ties to even', () => {
    for (const low of finite.slice(0, -1)) {
      const [a, b] = [valueOf(low), valueOf(low + 1)];
      const even = low % 2 === 0 ? low : low + 1;
      const near = (b - a) / 1024;
      const middle = (a + b) / 2;
      const rounded = [...toFloat16(Float32Array.of(middle, middle - near, middle + near, -middle))];
      expect(rounded).toEqual([even, low, low + 1, even | 0x8000]);
    }
  });

  it('is infinite from 65520, half way beyond the largest half', () => {
    expect([...toFloat16(Float32Array.of(65519, 65520, -1e30))]).toEqual([0x7bff, 0x7c00, 0xfc00]);
  });
});
