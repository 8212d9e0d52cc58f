import { createRandom } from '@dinov2/primitives';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { PatchTable } from './patch-table';

const values = (count: number, seed: number) => {
  const random = createRandom(seed);
  return Int8Array.from({ length: count }, () => random.integer(255) - 127);
};

describe('PatchTable', () => {
  it('finds of every image what a plain loop finds', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 6 }), fc.integer({ min: 1, max: 9 }), fc.integer({ min: 1, max: 70 }), fc.nat(1e6), (images, patches, dimension, seed) => {
        const table = new PatchTable(patches, dimension, 1e6);
        const all = Array.from({ length: images }, (_, image) => values(patches * dimension, seed + image));
        const query = values(dimension, seed + 100);
        for (const tokens of all) {
          expect(table.add(tokens)).toBe(true);
          table.search(query); // uses the memory behind the images
        }
        const found = table.search(query);
        all.forEach((tokens, image) => {
          const cosines = Array.from({ length: patches }, (_, patch) => {
            let [product, a, b] = [0, 0, 0];
            for (let i = 0; i < dimension; i++) {
              const value = tokens[patch * dimension + i]!;
              product += value * query[i]!;
              a += value * value;
              b += query[i]! * query[i]!;
            }
            return a * b === 0 ? 0 : product / Math.sqrt(a * b);
          });
          // Sums are exact; two factors and their product are rounded to float32.
          expect(found.similarities[image]).toBeCloseTo(Math.max(...cosines), 5);
          expect(cosines[found.patches[image]!]).toBeCloseTo(Math.max(...cosines), 5);
        });
      }),
      { numRuns: 60 },
    );
  });

  it('takes in no more than its memory holds', () => {
    const table = new PatchTable(256, 64, 400_000);
    const added = Array.from({ length: 40 }, (_, i) => table.add(values(256 * 64, i)));
    expect(added.filter(Boolean)).toHaveLength(table.capacity);
    expect(table.capacity).toBeGreaterThan(10);
    expect(table.capacity).toBeLessThan(40);
    expect(table.search(values(64, 1)).similarities).toHaveLength(table.capacity);
  });
});
