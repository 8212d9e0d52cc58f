import { describe, expect, it } from 'vitest';
import { levelsFor } from './cluster';

describe('levelsFor', () => {
  it('has fewer clusters than images on every level, ten times fewer each', () => {
    expect([1, 2, 12, 100, 1600, 20_000, 1_000_000].map(levelsFor)).toEqual([[1], [1], [1], [10], [160, 16], [566, 57, 6], [4000, 400, 40, 4]]);
  });
});
