import type { EdgeBlock } from '../neighbours/edges';
import { checkLength, checkThreshold } from './check-options';
import { type Agreement, agreement } from './agreement';
import { listComponents } from './component-list';
import type { Pair } from './cosines';
import { cutForest } from './cut-forest';
import { blocksOf, chainEdges, type Edges, groupEdges } from './edges';
import { maximumSpanningForest } from './spanning-forest';

export interface SweepOptions {
  /** The true group of each row, any whole numbers, to measure precision and recall by. */
  readonly labels?: ArrayLike<number>;
  /** Groups known already; see `selfDeduplicate`. */
  readonly copies?: Uint32Array;
  /** How many pairs just above each threshold are named; 5 by default. */
  readonly pairs?: number;
}

/** What one threshold would do. */
export interface SweepRow {
  readonly threshold: number;
  /** Edges above the threshold. */
  readonly edges: number;
  /** Components of two rows or more. */
  readonly components: number;
  /** Rows in these (k each). */
  readonly participants: number;
  /** Rows that would go (k − 1 each). */
  readonly removable: number;
  /** Rows of the largest component. */
  readonly largest: number;
  /** The weakest edges that join anything at this threshold, the weakest first: the pairs to look at when choosing it. */
  readonly pairs: readonly Pair[];
  /** Where labels were given. */
  readonly agreement?: Agreement;
}

/**
 * What deduplication would do at several thresholds, from one pass over the edges.
 *
 * @param edges - of all similarities that matter: above the lowest of the thresholds
 * @returns one entry for each threshold, in their order
 * @throws CurationError when an option or an edge does not fit the rows
 */
export async function sweepThresholds(
  rows: number,
  edges: Edges,
  thresholds: readonly number[],
  { labels, copies, pairs = 5 }: SweepOptions = {},
): Promise<SweepRow[]> {
  thresholds.forEach(checkThreshold);
  checkLength('labels', labels?.length, rows);
  checkLength('copies', copies?.length, rows);
  const counts = thresholds.map(() => 0);
  const counted = countAbove(edges, thresholds, counts);
  const forest = await maximumSpanningForest(rows, copies ? chainEdges([groupEdges(copies)], counted) : counted, {
    threshold: Math.min(...thresholds),
  });
  return thresholds.map((threshold, index) => {
    const { component } = cutForest(forest, { threshold });
    const { labels: roots, starts, members } = listComponents(component);
    const above = forest.similarity.findIndex((similarity) => !(similarity > Math.fround(threshold)));
    const end = above < 0 ? forest.count : above;
    const weakest = Array.from({ length: Math.min(pairs, end) }, (_, i) => end - 1 - i);
    return {
      threshold,
      edges: counts[index]!,
      components: roots.length,
      participants: members.length,
      removable: members.length - roots.length,
      largest: roots.reduce((most, _, i) => Math.max(most, starts[i + 1]! - starts[i]!), 0),
      pairs: weakest.map((i) => ({ from: forest.from[i]!, to: forest.to[i]!, similarity: forest.similarity[i]! })),
      ...(labels && { agreement: agreement({ labels: roots, starts, members }, labels) }),
    };
  });
}

/** The same blocks; what is above each threshold is counted as they go by. */
async function* countAbove(edges: Edges, thresholds: readonly number[], counts: number[]): AsyncGenerator<EdgeBlock> {
  const least = thresholds.map(Math.fround);
  for await (const block of blocksOf(edges)) {
    for (let i = 0; i < block.count; i++) {
      for (let t = 0; t < least.length; t++) if (block.similarity[i]! > least[t]!) counts[t]!++;
    }
    yield block;
  }
}
