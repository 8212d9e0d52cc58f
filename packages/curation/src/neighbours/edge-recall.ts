import type { EdgeBlock } from './edges';

/** Difference of two sums of the same products in another order, float32. */
const ROUNDING = 1e-6;

/** What a sample of the queries should find, and did. */
export interface EdgeRecall {
  /** Share of the sample's true edges that were found; 1 where there are none. */
  readonly edgeRecall: number;
  /** True edges of the sample. */
  readonly sampledEdges: number;
}

/**
 * Compare what was found for some queries with all that there is.
 *
 * An edge counts as found when the list holds as many that are at least as similar: of several equally similar rows
 * at the end of a full list, any will do.
 *
 * @param truth - the exact edges of the sample
 * @param found - similarities found for each sampled query
 */
export function edgeRecall(truth: EdgeBlock, found: ReadonlyMap<number, readonly number[]>): EdgeRecall {
  let hits = 0;
  for (let i = 0; i < truth.count; ) {
    const begin = i;
    for (; i < truth.count && truth.from[i] === truth.from[begin]; i++);
    // Edges of one query stand together, descending.
    const least = truth.similarity[i - 1]! - ROUNDING;
    const enough = (found.get(truth.from[begin]!) ?? []).filter((similarity) => similarity >= least).length;
    hits += Math.min(enough, i - begin);
  }
  return { edgeRecall: truth.count === 0 ? 1 : hits / truth.count, sampledEdges: truth.count };
}
