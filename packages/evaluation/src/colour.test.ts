import { describe, expect, it } from 'vitest';
import { colourScores, heat, quantile } from './colour';

describe('colours', () => {
  it('spreads each component over its channel and clips the outer 2 %', () => {
    const scores = Float32Array.from({ length: 300 }, (_, i) => (i % 3 === 0 ? i : i % 3 === 1 ? -i : 5));
    const rgb = colourScores(scores);
    expect([rgb[0], rgb[297]]).toEqual([0, 255]);
    expect([rgb[1], rgb[298]]).toEqual([255, 0]);
    expect([rgb[2], rgb[299]]).toEqual([0, 0]);
  });

  it('runs the heat map from its darkest to its lightest colour', () => {
    const map = heat(Float32Array.from({ length: 100 }, (_, i) => i));
    expect([...map.subarray(0, 3)]).toEqual([0, 0, 4]);
    expect([...map.subarray(297)]).toEqual([252, 253, 191]);
  });

  it('finds quantiles', () => {
    expect(quantile([4, 1, 3, 2], 0.5)).toBe(3);
    expect(quantile([7], 0.98)).toBe(7);
  });
});
