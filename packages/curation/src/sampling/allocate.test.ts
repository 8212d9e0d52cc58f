import { createRandom } from '@dinov2/primitives';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { allocate } from './allocate';

const sum = (values: readonly number[]) => values.reduce((total, value) => total + value, 0);
const problem = fc.record({
  sizes: fc.array(fc.nat(40), { minLength: 1, maxLength: 12 }),
  n: fc.nat(300),
  multiplier: fc.integer({ min: 1, max: 4 }),
  seed: fc.nat(1000),
});

describe('allocate', () => {
  // Worked by hand from Vo et al. 2024: c is the largest whole number with Σ min(c, u s) ≤ n.
  it.each([
    { sizes: [10, 2, 5], n: 9, multiplier: 1, c: 3, rest: 1 },
    { sizes: [100, 100, 1], n: 21, multiplier: 1, c: 10, rest: 0 },
    { sizes: [3, 1], n: 7, multiplier: 2, c: 5, rest: 0 },
    { sizes: [4, 4, 4], n: 2, multiplier: 1, c: 0, rest: 2 },
    { sizes: [0, 7, 0, 7], n: 9, multiplier: 1, c: 4, rest: 1 },
  ])('gives min(c, u s) and one more to some: $sizes, n $n, u $multiplier', ({ sizes, n, multiplier, c, rest }) => {
    const shares = allocate(sizes, n, createRandom(0), multiplier);
    const extra = shares.map((share, i) => share - Math.min(c, multiplier * sizes[i]!));
    expect(sum(extra)).toBe(rest);
    extra.forEach((more, i) => expect(more === 0 || (more === 1 && multiplier * sizes[i]! > c)).toBe(true));
  });

  it('gives all there is when more is asked for', () => {
    expect(allocate([3, 0, 5], 8, createRandom(0))).toEqual([3, 0, 5]);
    expect(allocate([3, 0, 5], 100, createRandom(0), 3)).toEqual([9, 0, 15]);
    expect(allocate([], 5, createRandom(0))).toEqual([]);
  });

  it('shares out exactly n, none beyond its limit', () => {
    fc.assert(
      fc.property(problem, ({ sizes, n, multiplier, seed }) => {
        const shares = allocate(sizes, n, createRandom(seed), multiplier);
        expect(sum(shares)).toBe(Math.min(n, multiplier * sum(sizes)));
        shares.forEach((share, i) => expect(share).toBeLessThanOrEqual(multiplier * sizes[i]!));
      }),
    );
  });

  it('gives a group less than another by more than one only if it has no more', () => {
    fc.assert(
      fc.property(problem, ({ sizes, n, multiplier, seed }) => {
        const shares = allocate(sizes, n, createRandom(seed), multiplier);
        const most = Math.max(...shares);
        shares.forEach((share, i) => expect(share >= most - 1 || share === multiplier * sizes[i]!).toBe(true));
      }),
    );
  });

  it('grows with n: no group gets less than one below what it got before', () => {
    fc.assert(
      fc.property(problem, ({ sizes, n, multiplier, seed }) => {
        const [fewer, more] = [n, n + 1].map((asked) => allocate(sizes, asked, createRandom(seed), multiplier));
        // The lone extra ones are drawn anew; what all groups are sure of never falls.
        fewer!.forEach((share, i) => expect(more![i]!).toBeGreaterThanOrEqual(share - 1));
        expect(sum(more!)).toBeGreaterThanOrEqual(sum(fewer!));
      }),
    );
  });

  it('gives what is left to groups at random', () => {
    const counts = [0, 0, 0, 0];
    const random = createRandom(1);
    for (let i = 0; i < 4000; i++) allocate([5, 5, 5, 5], 5, random).forEach((share, group) => (counts[group]! += share - 1));
    // Each gets a quarter of 4000; six standard deviations are 164.
    for (const count of counts) expect(Math.abs(count - 1000)).toBeLessThan(164);
  });

  it('says what is wrong', () => {
    expect(() => allocate([1, 2.5], 2, createRandom(0))).toThrow('a size is 2.5');
    expect(() => allocate([1, 2], -1, createRandom(0))).toThrow('n is -1');
    expect(() => allocate([1, 2], 1, createRandom(0), 0)).toThrow('multiplier is 0');
  });
});
