import { createRandom } from '@dinov2/primitives';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { RowScores } from './row-scores';

describe('RowScores', () => {
  it('multiplies rows with rows of a table, of any width', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 70 }), fc.integer({ min: 1, max: 9 }), fc.nat(), (columns, rows, seed) => {
        const random = createRandom(seed);
        const draw = (count: number) => Float32Array.from({ length: count * columns }, () => random.normal());
        const [table, data] = [draw(12), draw(rows)];
        const scores = new RowScores(12, columns, rows, 5);
        // What stood there before must not be seen.
        scores.setTable(draw(12));
        scores.setTable(table);
        scores.load(draw(rows));
        scores.load(data);
        for (let row = 0; row < rows; row++) {
          const list = [11, row, 0, 3, 3];
          scores.list.set(list);
          scores.compare(row, 5);
          list.forEach((other, i) => {
            let [sum, size] = [0, 0];
            for (let j = 0; j < columns; j++) {
              const product = data[row * columns + j]! * table[other * columns + j]!;
              sum += product;
              size += Math.abs(product);
            }
            // A sum of D products in float32 is off by less than D roundings of 2^-24 of their magnitudes.
            expect(Math.abs(scores.products[i]! - sum)).toBeLessThanOrEqual(columns * 2 ** -24 * size);
          });
        }
      }),
    );
  });
});
