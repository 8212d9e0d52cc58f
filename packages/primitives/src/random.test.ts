import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createRandom } from './random';

const draws = (count: number, draw: () => number): number[] => Array.from({ length: count }, draw);
const seeds = fc.integer({ min: 0, max: Number.MAX_SAFE_INTEGER });

describe('createRandom', () => {
  it('is xoshiro128**', () => {
    // From the state 1, 2, 3, 4; the published recurrence worked in Python's integers.
    const random = createRandom(0);
    random.restore([0, 0, 1, 2, 3, 4]);
    expect(draws(6, random.bits)).toEqual([11520, 0, 5927040, 70819200, 2031721883, 1637235492]);
  });

  it('repeats from a seed and continues from a state', () => {
    fc.assert(
      fc.property(seeds, fc.nat(20), (seed, skip) => {
        const random = createRandom(seed);
        draws(skip, random.normal);
        const state = JSON.parse(JSON.stringify(random.state()));
        const expected = draws(10, random.uniform);
        const other = createRandom(7);
        other.restore(state);
        expect(draws(10, other.uniform)).toEqual(expected);
        expect(other.fork('a').bits()).toBe(random.fork('a').bits());
        const again = createRandom(seed);
        draws(skip, again.normal);
        expect(draws(10, again.uniform)).toEqual(expected);
      }),
    );
  });

  it('forks by label, whatever was drawn before', () => {
    const random = createRandom(3);
    const before = random.fork('mask').bits();
    random.bits();
    expect(random.fork('mask').bits()).toBe(before);
    const seen = new Set<number>([createRandom(3).bits(), before]);
    for (const label of ['crop', 1, '1', 2, 3]) seen.add(random.fork(label).bits());
    seen.add(createRandom(4).fork('mask').bits());
    seen.add(random.fork('a').fork('b').bits());
    seen.add(random.fork('b').fork('a').bits());
    expect(seen.size).toBe(10);
  });

  it('gives permutations and integers in range, evenly', () => {
    fc.assert(
      fc.property(seeds, fc.integer({ min: 0, max: 50 }), (seed, n) => {
        const order = createRandom(seed).permutation(n);
        expect([...order].sort((a, b) => a - b)).toEqual([...Array(n).keys()]);
      }),
    );
    const random = createRandom(11);
    const counts = new Array(6).fill(0);
    for (let i = 0; i < 60_000; i++) counts[random.integer(6)]++;
    // Binomial standard deviation is 91; 5 of them.
    for (const count of counts) expect(Math.abs(count - 10_000)).toBeLessThan(456);
  });

  it('has the moments of its distributions', () => {
    const random = createRandom(5);
    const n = 100_000;
    const normal = draws(n, random.normal);
    const mean = normal.reduce((a, b) => a + b) / n;
    const variance = normal.reduce((a, b) => a + b * b, 0) / n;
    const kurtosis = normal.reduce((a, b) => a + b ** 4, 0) / n;
    // Five standard errors: 1/sqrt(n), sqrt(2/n), sqrt(96/n).
    expect(Math.abs(mean)).toBeLessThan(0.016);
    expect(Math.abs(variance - 1)).toBeLessThan(0.023);
    expect(Math.abs(kurtosis - 3)).toBeLessThan(0.16);
    const uniform = draws(n, () => random.uniform(2, 4));
    expect(Math.min(...uniform.slice(0, 1000))).toBeGreaterThanOrEqual(2);
    expect(uniform.every((value) => value >= 2 && value < 4)).toBe(true);
    expect(Math.abs(uniform.reduce((a, b) => a + b) / n - 3)).toBeLessThan(0.0092); // 5·(2/√12)/√n
  });

  it('refuses seeds it cannot tell apart', () => {
    for (const seed of [-1, 0.5, NaN, 2 ** 60])
      expect(() => createRandom(seed)).toThrow(RangeError);
    expect(() => createRandom(0).integer(0)).toThrow(RangeError);
  });
});
