import { describe, expect, it } from 'vitest';
import { lastFall, lowestUsual } from './fall';

const curve = (...accuracies: number[]) => accuracies.map((accuracy, i) => ({ iteration: 10 * i, knn: { 1: 0, 10: accuracy } }));

describe('lastFall', () => {
  it('lets accuracy shake by two standard errors, or a point', () => {
    // √(0.8 · 0.2 / 100) = 0.04
    expect(lowestUsual(0.8, 100)).toBeCloseTo(0.72, 12);
    expect(lowestUsual(0.8, 1e6)).toBeCloseTo(0.79, 12);
    expect(lowestUsual(1, 100)).toBeCloseTo(0.99, 12);
    expect(lastFall(curve(0.8, 0.73, 0.9), 10, 100)).toBeUndefined();
  });

  it('names the last evaluation that is clearly below the first', () => {
    expect(lastFall(curve(0.8, 0.5, 0.6, 0.79), 10, 100)).toEqual({ k: 10, iteration: 20, now: 0.6, start: 0.8 });
    expect(lastFall([], 10, 100)).toBeUndefined();
    expect(lastFall(curve(0.8, 0.1), 20, 100)).toBeUndefined();
  });
});
