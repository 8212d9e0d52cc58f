import { describe, expect, it } from 'vitest';
import { rowHash, sampleRows } from './row-hash';

describe('sampleRows', () => {
  it('takes about as many as asked for, evenly from the whole', () => {
    const rows = sampleRows(200_000, 20_000, 12345);
    // Six standard deviations of a binomial count.
    expect(Math.abs(rows.length - 20_000)).toBeLessThan(6 * Math.sqrt(18_000));
    for (let tenth = 0; tenth < 10; tenth++) {
      const within = rows.filter((row) => Math.floor(row / 20_000) === tenth).length;
      expect(Math.abs(within - 2_000)).toBeLessThan(6 * Math.sqrt(1_800));
    }
    expect(sampleRows(100, 100, 1)).toEqual(Uint32Array.from({ length: 100 }, (_, i) => i));
  });

  it('takes a smaller sample out of a larger one, and another with another key', () => {
    const [small, large, other] = [sampleRows(50_000, 500, 9), sampleRows(50_000, 3_000, 9), sampleRows(50_000, 500, 10)];
    const within = new Set(large);
    expect(small.every((row) => within.has(row))).toBe(true);
    // Independent samples of a hundredth share a hundredth of their rows.
    expect(other.filter((row) => within.has(row)).length).toBeLessThan(100);
  });
});

describe('rowHash', () => {
  it('is uniform, and its neighbours are independent', () => {
    const values = Array.from({ length: 40_000 }, (_, row) => rowHash(77, row));
    const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
    const product = values.slice(1).reduce((sum, value, i) => sum + (value - 0.5) * (values[i]! - 0.5), 0) / values.length;
    // Six standard deviations of a mean of uniform numbers, and of products of two.
    expect(Math.abs(mean - 0.5)).toBeLessThan((6 * Math.sqrt(1 / 12)) / 200);
    expect(Math.abs(product)).toBeLessThan((6 * (1 / 12)) / 200);
  });
});
