import { createRandom } from '@dinov2/primitives';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { inverseLengths, packRows, quantiseRows, unpackRows } from './quantise';

const numbers = (count: number, seed: number) => {
  const random = createRandom(seed);
  return Float32Array.from({ length: count }, () => random.normal());
};

const cosine = (a: ArrayLike<number>, b: ArrayLike<number>) => {
  let [product, aa, bb] = [0, 0, 0];
  for (let i = 0; i < a.length; i++) {
    product += a[i]! * b[i]!;
    aa += a[i]! ** 2;
    bb += b[i]! ** 2;
  }
  return product / Math.sqrt(aa * bb);
};

describe('quantiseRows', () => {
  it('moves a number by at most half its row’s scale, and the largest not at all', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 5 }), fc.integer({ min: 1, max: 40 }), fc.nat(), (rows, columns, seed) => {
        const data = numbers(rows * columns, seed);
        const { values, scales } = quantiseRows(data, rows);
        data.forEach((value, i) => {
          const scale = scales[Math.floor(i / columns)]!;
          // One part in 10⁵ for float32 sums and products.
          expect(Math.abs(values[i]! * scale - value)).toBeLessThanOrEqual(0.5 * scale * 1.00001);
        });
      }),
    );
  });

  it('leaves cosines of 384 numbers within 0.005, as its page says', () => {
    const rows = 60;
    const data = numbers(rows * 384, 1);
    const { values } = quantiseRows(data, rows);
    const row = <T extends Float32Array | Int8Array>(all: T, i: number) => all.subarray(i * 384, (i + 1) * 384);
    let worst = 0;
    for (let a = 0; a < rows; a++) {
      for (let b = 0; b < a; b++) {
        worst = Math.max(worst, Math.abs(cosine(row(values, a), row(values, b)) - cosine(row(data, a), row(data, b))));
      }
    }
    expect(worst).toBeLessThan(0.005);
  });

  it('keeps a row of zeros', () => {
    const { values, scales } = quantiseRows(new Float32Array(8), 2);
    expect([...values, ...scales, ...inverseLengths(values, 2)]).toEqual(Array(12).fill(0));
  });

  it('survives packing', () => {
    const rows = quantiseRows(numbers(21, 2), 3);
    expect(unpackRows(packRows(rows).buffer, 3)).toEqual(rows);
  });
});
