import { createRandom } from '@dinov2/primitives';
import { describe, expect, it } from 'vitest';
import { featureSpread } from './feature-spread';

const features = (rows: readonly (readonly number[])[]) => ({ data: Float32Array.from(rows.flat()), shape: [rows.length, rows[0]!.length] });

describe('featureSpread', () => {
  it('is 1 and about D for directions drawn evenly', () => {
    const random = createRandom(1);
    const rows = Array.from({ length: 4000 }, () => Array.from({ length: 8 }, () => random.normal()));
    const { featureStd, effectiveRank } = featureSpread(features(rows));
    // 512 of them are looked at: a share of 1/√512 or so from the limit.
    expect(featureStd).toBeGreaterThan(0.95);
    expect(featureStd).toBeLessThan(1.05);
    expect(effectiveRank).toBeGreaterThan(7.5);
    expect(effectiveRank).toBeLessThan(8);
  });

  it('is 0 where all images look the same, whatever the length of their features', () => {
    expect(featureSpread(features([[3, 4], [6, 8], [0.3, 0.4]])).featureStd).toBeLessThan(1e-6);
    expect(featureSpread(features([[0, 0], [0, 0]]))).toEqual({ featureStd: 0, effectiveRank: 0 });
  });

  it('counts the directions that are used', () => {
    // ±e₁ and ±e₂ in four dimensions: covariance diag(1/2, 1/2, 0, 0), deviations √½, √½, 0, 0 times √4 / 4.
    const { featureStd, effectiveRank } = featureSpread(features([[1, 0, 0, 0], [-1, 0, 0, 0], [0, 1, 0, 0], [0, -1, 0, 0]]));
    expect(featureStd).toBeCloseTo(Math.SQRT1_2, 12);
    expect(effectiveRank).toBeCloseTo(2, 12);
  });
});
