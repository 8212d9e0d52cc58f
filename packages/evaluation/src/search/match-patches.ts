import type { Features } from '../features';
import { searchNeighbours, type SearchOptions } from './search-neighbours';

/** A patch of one picture and one of another that are each other's nearest. */
export interface PatchMatch {
  /** Row of the first picture's patches. */
  readonly a: number;
  /** Row of the second picture's patches. */
  readonly b: number;
  /** Cosine. */
  readonly similarity: number;
}

export interface MatchOptions extends SearchOptions {
  /** Least cosine similarity of a match. Default: none. */
  readonly threshold?: number;
}

/**
 * Corresponding patches of two pictures: pairs that are mutually nearest by cosine, the most similar first.
 *
 * Of equally similar patches the one with the smaller number is the nearest.
 *
 * @param a - (patches, D) tokens of one picture
 * @param b - (patches, D) tokens of another, of the same model
 * @throws EvaluationError as {@link searchNeighbours}
 */
export async function matchPatches(a: Features, b: Features, { threshold = -Infinity, ...options }: MatchOptions = {}): Promise<PatchMatch[]> {
  const there = await searchNeighbours(a, b, 1, options);
  const back = await searchNeighbours(b, a, 1, options);
  return Array.from(there.indices, (other, row): PatchMatch => ({ a: row, b: other, similarity: there.similarities[row]! }))
    .filter((match) => back.indices[match.b] === match.a && match.similarity >= threshold)
    .sort((x, y) => y.similarity - x.similarity || x.a - y.a);
}
