import type { Features } from '../features';
import { EvaluationError } from '../error';
import { searchNeighbours, type SearchOptions } from './search-neighbours';

/** Two rows that are nearly the same. */
export interface DuplicatePair {
  /** The smaller row number. */
  readonly first: number;
  readonly second: number;
  /** Cosine. */
  readonly similarity: number;
}

export interface DuplicateOptions extends SearchOptions {
  /** Least cosine similarity of a pair. */
  readonly threshold: number;
  /** Neighbours of a row that are looked at, besides itself. Default 16. */
  readonly neighbours?: number;
}

/**
 * Pairs of rows whose cosine similarity is at least `threshold`, the most similar first.
 *
 * A row that has more than `neighbours` such partners is listed with its nearest ones only: enough to see that it is
 * copied, not to count how often.
 *
 * @param features - (N, D)
 * @throws EvaluationError when the threshold is not between −1 and 1, or a row is not finite
 */
export async function nearDuplicates(
  features: Features,
  { threshold, neighbours = 16, ...options }: DuplicateOptions,
): Promise<DuplicatePair[]> {
  if (!(threshold >= -1 && threshold <= 1)) {
    throw new EvaluationError(`threshold is ${threshold}; a cosine lies between -1 and 1, and copies of an image are above 0.9 or so`);
  }
  const rows = features.shape[0]!;
  if (rows < 2) return [];
  const { indices, similarities, k } = await searchNeighbours(features, features, Math.min(neighbours + 1, rows), options);
  const pairs = new Map<number, DuplicatePair>();
  for (let row = 0; row < rows; row++) {
    for (let place = row * k; place < (row + 1) * k; place++) {
      const other = indices[place]!;
      const similarity = similarities[place]!;
      if (other === row) continue;
      if (similarity < threshold) break;
      const [first, second] = row < other ? [row, other] : [other, row];
      // Seen from the other side, the pair is the same up to rounding.
      const key = first * rows + second;
      if (!pairs.has(key)) pairs.set(key, { first, second, similarity });
    }
  }
  return [...pairs.values()].sort((a, b) => b.similarity - a.similarity || a.first - b.first || a.second - b.second);
}
