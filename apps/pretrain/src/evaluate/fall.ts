import type { KnnScores } from './knn-evaluation';

/**
 * Accuracy below which features are called worse than at the start: two standard errors of an accuracy
 * over that many pictures, √(p (1 − p) / n), and at least one point.
 */
export function lowestUsual(start: number, pictures: number): number {
  return start - Math.max(0.01, 2 * Math.sqrt((start * (1 - start)) / pictures));
}

export interface Fall {
  readonly k: number;
  readonly iteration: number;
  readonly now: number;
  readonly start: number;
}

/** The last of the evaluations whose accuracy is clearly below that of the first, if one is. */
export function lastFall(
  evaluations: readonly { readonly iteration: number; readonly knn: KnnScores }[],
  k: number,
  pictures: number,
): Fall | undefined {
  const start = evaluations[0]?.knn[k];
  if (start === undefined) return undefined;
  const fallen = evaluations.findLast(({ knn }) => knn[k] !== undefined && knn[k] < lowestUsual(start, pictures));
  return fallen && { k, iteration: fallen.iteration, now: fallen.knn[k]!, start };
}

/** A fall in plain words, with what to try. */
export function describeFall({ k, iteration, now, start }: Fall): string {
  const percent = (share: number) => `${(100 * share).toFixed(1)} %`;
  return (
    `k-NN (k = ${k}) fell to ${percent(now)} at step ${iteration}, clearly below the ${percent(start)} at the start: the features are getting worse. ` +
    'If it does not come back, stop, and try a lower optimizer.baseLearningRate, more data or, with --init, a longer --freeze-backbone.'
  );
}
