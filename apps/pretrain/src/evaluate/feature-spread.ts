import type { Features } from '@dinov2/evaluation';

/** How different the features of different images are. Both fall towards their least value in a collapse. */
export interface FeatureSpread {
  /**
   * Standard deviation over images of an entry of the unit-length feature, mean over entries, times √D:
   * 1 for features spread evenly over the sphere, 0 where all images look the same (Chen and He 2021,
   * arXiv 2011.10566, figure 2).
   */
  readonly featureStd: number;
  /** (Σλ)² / Σλ² over the eigenvalues λ of the features' covariance: the number of directions that share its variance. */
  readonly effectiveRank: number;
}

/** Images that are looked at; the work grows with their square. */
const LIMIT = 512;

/** Of features (N, D), of evenly chosen images where there are many. */
export function featureSpread({ data, shape }: Features): FeatureSpread {
  const [images, width] = shape as readonly [number, number];
  const count = Math.min(images, LIMIT);
  const units = Array.from({ length: count }, (_, i) => {
    const from = Math.floor((i * images) / count) * width;
    return unit(data.subarray(from, from + width));
  });
  const mean = new Float64Array(width);
  for (const row of units) row.forEach((value, i) => (mean[i]! += value / count));
  const centred = units.map((row) => row.map((value, i) => value - mean[i]!));

  const variances = new Float64Array(width);
  for (const row of centred) row.forEach((value, i) => (variances[i]! += (value * value) / count));
  const featureStd = (Math.sqrt(width) * variances.reduce((sum, value) => sum + Math.sqrt(value), 0)) / width;

  // The matrix of inner products has the eigenvalues of the covariance: its trace is their sum, its
  // squared entries add up to the sum of their squares.
  let trace = 0;
  let squares = 0;
  centred.forEach((a, i) => {
    for (let j = 0; j <= i; j++) {
      const product = dot(a, centred[j]!);
      squares += (i === j ? 1 : 2) * product * product;
      if (i === j) trace += product;
    }
  });
  return { featureStd, effectiveRank: squares > 0 ? trace ** 2 / squares : 0 };
}

function unit(row: Float32Array): Float64Array {
  const length = Math.sqrt(dot(row, row));
  return Float64Array.from(row, (value) => value / Math.max(length, 1e-12));
}

function dot(a: ArrayLike<number>, b: ArrayLike<number>): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += a[i]! * b[i]!;
  return sum;
}
