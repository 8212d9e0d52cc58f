import { createRandom } from '@dinov2/primitives';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { VitError } from './error';
import { keptRows, sampleDropPathRows } from './stochastic-depth';

describe('keptRows', () => {
  // Python's max(int(b * (1 - rate)), 1); the truncation of 10 · (1 − 0.9) = 0.99… bites.
  it.each([
    [64, 0.3, 44],
    [96, 0.4, 57],
    [128, 0.3, 89],
    [24, 0.4, 14],
    [10, 0.3, 7],
    [10, 0.9, 1],
    [1, 0.5, 1],
  ])('of %i at rate %d is %i', (batch, rate, kept) => expect(keptRows(batch, rate)).toBe(kept));
});

describe('sampleDropPathRows', () => {
  it('draws distinct rows of the right number for each block, branch and group', () => {
    fc.assert(
      fc.property(
        fc.nat(),
        fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1, maxLength: 3 }),
        fc.double({ min: 0.01, max: 0.95, noNaN: true }),
        (seed, sizes, rate) => {
          const blocks = sampleDropPathRows(createRandom(seed), sizes, rate, 3);
          expect(blocks).toEqual(sampleDropPathRows(createRandom(seed), sizes, rate, 3));
          expect(blocks).toHaveLength(3);
          for (const branch of blocks.flatMap(({ attention, ffn }) => [attention, ffn])) {
            expect(branch.map(({ shape }) => shape)).toEqual(sizes.map((b) => [keptRows(b, rate)]));
            branch.forEach(({ data }, group) => {
              expect(new Set(data).size).toBe(keptRows(sizes[group], rate));
              expect(data.every((row) => row >= 0 && row < sizes[group])).toBe(true);
              expect([...data]).toEqual([...data].sort((a, b) => a - b));
            });
          }
        },
      ),
    );
  });

  it('keeps each row equally often', () => {
    const counts = new Array(10).fill(0);
    const random = createRandom(0);
    for (let i = 0; i < 1000; i++) {
      const [block] = sampleDropPathRows(random, [10], 0.3, 1);
      block.ffn[0].data.forEach((row) => counts[row]++);
    }
    // Binomial(1000, 0.7): 700 ± 14.5; five of them.
    for (const count of counts) expect(Math.abs(count - 700)).toBeLessThan(73);
  });

  it('lists no rows where nothing is dropped', () => {
    const blocks = sampleDropPathRows(createRandom(0), [4, 8], [0, 0.5], 2);
    expect(blocks[0]).toEqual({ attention: [], ffn: [] });
    expect(blocks[1].attention.map(({ shape }) => shape)).toEqual([[2], [4]]);
  });

  it('refuses rates that do not fit', () => {
    expect(() => sampleDropPathRows(createRandom(0), [4], [0.1], 2)).toThrow(VitError);
    expect(() => sampleDropPathRows(createRandom(0), [4], 1, 2)).toThrow('drop rate 1');
  });
});
