import { describe, expect, it } from 'vitest';
import { pairDonations } from './donation';
import type { DataType } from './graph';

let id = 0;
const value = (shape: number[], dtype: DataType = 'float32') => ({ id: id++, shape, dtype });

describe('pairDonations', () => {
  it('prefers the output at the same path, behind one more key or not', () => {
    const donors = ['m', 'w'].map((key, input) => ({ input, path: [key], value: value([2]) }));
    const receivers = [['loss', 'w'], ['w'], ['m']].map((path) => ({ path, value: value([2]) }));
    expect(pairDonations(donors, receivers)).toEqual([
      [0, 2],
      [1, 0],
    ]);
    const inState = [['state', 'm'], ['state', 'w'], ['grads', 'w']].map((path) => ({ path, value: value([2]) }));
    expect(pairDonations(donors, inState)).toEqual([
      [0, 0],
      [1, 1],
    ]);
  });

  it('falls back to the first free output of the same shape and type', () => {
    const donors = [
      { input: 3, path: ['a'], value: value([2, 3]) },
      { input: 4, path: ['b'], value: value([2, 3], 'int32') },
      { input: 5, path: ['c'], value: value([2, 3]) },
    ];
    const receivers = [{ path: [0], value: value([3, 2]) }, { path: [1], value: value([2, 3]) }];
    expect(pairDonations(donors, receivers)).toEqual([[3, 1]]);
  });
});
