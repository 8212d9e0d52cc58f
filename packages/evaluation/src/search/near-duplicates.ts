import { EvaluationError } from '../error';
import type { Neighbours } from './neighbours';

/** Two rows that are nearly the same. */
export interface DuplicatePair {
  /** The smaller row number. */
  readonly first: number;
  readonly second: number;
  /** Cosine. */
  readonly similarity: number;
}

/**
 * Pairs of rows whose cosine similarity is at least `threshold`, the most similar first.
 *
 * A row that has more such partners than neighbours were searched for is listed with its nearest ones only: enough to
 * see that it is copied, not to count how often.
 *
 * @param neighbours - of all rows of a set among themselves; a row may be one of its own
 * @throws EvaluationError when the threshold is not between −1 and 1
 * @example
 * ```ts
 * const pairs = nearDuplicates(await searchNeighbours(features, features, 11), 0.95);
 * ```
 */
export function nearDuplicates({ indices, similarities, k }: Neighbours, threshold: number): DuplicatePair[] {
  if (!(threshold >= -1 && threshold <= 1)) {
    throw new EvaluationError(`threshold is ${threshold}; a cosine lies between -1 and 1, and copies of an image are above 0.9 or so`);
  }
  const rows = indices.length / k;
  const pairs = new Map<number, DuplicatePair>();
  for (let place = 0; place < indices.length; place++) {
    const row = Math.floor(place / k);
    const other = indices[place]!;
    if (other === row || !(similarities[place]! >= threshold)) continue;
    const [first, second] = row < other ? [row, other] : [other, row];
    // Seen from the other side, the pair is the same up to rounding.
    const key = first * rows + second;
    if (!pairs.has(key)) pairs.set(key, { first, second, similarity: similarities[place]! });
  }
  return [...pairs.values()].sort((a, b) => b.similarity - a.similarity || a.first - b.first || a.second - b.second);
}
