import { createRandom } from '@dinov2/primitives';
import { describe, expect, it } from 'vitest';
import { intrinsicDimension, measuredThreshold, OUTER_RANK } from './measured-threshold';

/** Cosines to the nearest of points that lie evenly about each picture in so many dimensions, 1000 of them within `radius`. */
function evenly(pictures: number, dimensions: number, radius: number, seed: number): number[][] {
  const random = createRandom(seed);
  return Array.from({ length: pictures }, () => {
    const distances = Array.from({ length: 1000 }, () => radius * random.uniform() ** (1 / dimensions)).sort((a, b) => a - b);
    return distances.slice(0, OUTER_RANK).map((distance) => 1 - distance ** 2 / 2);
  });
}
/** 0.01, 0.02, …, 1 of the way from one cosine to another. */
const between = (from: number, to: number) => Array.from({ length: 100 }, (_, i) => from + ((to - from) * (i + 1)) / 100);

describe('measuredThreshold', () => {
  it('finds nine of ten copies where no more alike pictures are in the way', () => {
    // 90 of 100 copies are above the tenth.
    const measured = measuredThreshold(between(0.8, 1), evenly(100, 4, 2.5, 1), 0.6);
    expect(measured).toMatchObject({ threshold: 0.82, separable: true });
    expect(measured.copiesFound).toBeCloseTo(0.9, 1);
    expect(measured.reason).toBe('nine of ten of 100 copies made of some pictures are more alike');
  });

  it('takes the least where copies are nearer than that, whatever is below it', () => {
    const copies = between(0.9, 1).map((cosine, i) => (i < 15 ? 0.5 : cosine));
    expect(measuredThreshold(copies, evenly(100, 4, 4, 1), 0.6)).toMatchObject({ threshold: 0.6, separable: true, copiesFound: 0.85, reason: 'of the paper; 85 % of 100 copies made of some pictures are more alike' });
    expect(measuredThreshold([0.9, 0.9], [], 0.6)).toMatchObject({ threshold: 0.9, separable: true });
  });

  it.each([[8, 1], [12, 2], [4, 3]])('joins no look-alikes in %i dimensions where they are nearer than copies', (dimensions, seed) => {
    const neighbours = evenly(1000, dimensions, 0.3, seed);
    const { threshold, separable, copiesFound, reason } = measuredThreshold(between(0.7, 1), neighbours, 0.6);
    expect(separable).toBe(false);
    // One in a thousand at most: more than three, of a Poisson variable with mean 1, in 2 % of seeds.
    expect(neighbours.filter(([nearest]) => nearest! > threshold).length).toBeLessThanOrEqual(3);
    expect(copiesFound).toBe(between(0.7, 1).filter((cosine) => cosine > threshold).length / 100);
    expect(reason).toContain('do not tell copies from look-alikes');
    expect(reason).toContain(`${Math.round(100 * copiesFound)} % of 100 made copies would be found`);
  });

  it('joins nothing where all embeddings are one', () => {
    const alike = Array.from({ length: 20 }, () => new Float32Array(OUTER_RANK).fill(1));
    expect(measuredThreshold(between(0.7, 0.9), alike, 0.6)).toMatchObject({ threshold: 0.999999, separable: false, copiesFound: 0 });
  });
});

describe('intrinsicDimension', () => {
  it.each([2, 4, 8, 16])('is that of points that lie evenly in %i dimensions', (dimensions) => {
    // Of 1000 × 40 exponential variables, the standard error is half a percent.
    expect(Math.abs(intrinsicDimension(evenly(1000, dimensions, 0.5, dimensions)) / dimensions - 1)).toBeLessThan(0.02);
  });

  it('passes over pictures with more copies than ranks, and those with too few neighbours', () => {
    const plain = evenly(50, 4, 1, 5);
    const crowded = plain.map((cosines) => cosines.map((cosine, i) => (i < 20 ? 1 : cosine)));
    expect(intrinsicDimension([...plain, ...crowded, [0.9, 0.8]])).toBe(intrinsicDimension(plain));
    expect(intrinsicDimension(crowded)).toBe(0);
  });
});
