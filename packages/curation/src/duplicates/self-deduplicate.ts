import { checkLength, checkThreshold } from './check-options';
import { type ComponentSummary, summarise } from './component-summary';
import { listComponents } from './component-list';
import { cosines } from './cosines';
import { cutForest, type RaisedComponent } from './cut-forest';
import { chainEdges, type Edges, groupEdges } from './edges';
import { chooseRepresentatives, type KeepFacts, type KeepPolicy } from './keep-policy';
import { linkageOf } from './linkage';
import { rowNumbers } from './row-numbers';
import { maximumSpanningForest } from './spanning-forest';

export interface SelfDeduplicationOptions extends KeepFacts {
  /** Cosine above which two pictures are joined; 0.6 by default, as in DINOv2. */
  readonly threshold?: number;
  /** Which row of a component stays; one policy, or several of which the next decides between equals. `lowestId` by default. */
  readonly keep?: KeepPolicy | readonly KeepPolicy[];
  /** 1 for rows that are never dropped; they are preferred as representatives. */
  readonly protect?: Uint8Array;
  /** Groups known already, of equal content or perceptual hashes: for each row a row of its group. Joined at similarity 1. */
  readonly copies?: Uint32Array;
  /** Components of more pictures are parted where they hang together least; see `CutOptions.maximumSize`. */
  readonly maximumSize?: number;
  /** See `CutOptions.copyThreshold`. */
  readonly copyThreshold?: number;
  /** How many of the largest components are described; 100 by default. */
  readonly describe?: number;
}

/** Which rows stay, and what each dropped row is a copy of. Nothing is deleted. */
export interface Deduplication {
  /** For each row the lowest row of its component, (rows,). */
  readonly component: Uint32Array;
  /** For each row the row of its component that stays; itself for rows alone. */
  readonly representative: Uint32Array;
  /** 1 for rows that stay: representatives and protected rows. */
  readonly keep: Uint8Array;
  /** Cosine to the representative; not a number where no vectors were given and the row is not its own representative. */
  readonly similarity: Float32Array;
  /** The weakest link on the strongest way from the row to its representative: below it, both are in one component. */
  readonly linkage: Float32Array;
  readonly counts: DeduplicationCounts;
  /** Components by size: how many there are of each, two rows or more, the smallest first. */
  readonly sizes: readonly { readonly size: number; readonly components: number }[];
  /** The largest components, the largest first. */
  readonly largest: readonly ComponentSummary[];
  /** Where the threshold was raised for the sake of `maximumSize`. */
  readonly raised: readonly RaisedComponent[];
}

export interface DeduplicationCounts {
  readonly rows: number;
  /** Edges above the threshold; not a number of pictures. */
  readonly edges: number;
  /** Components of two rows or more. */
  readonly components: number;
  /** Rows in these: k for each component of k. */
  readonly participants: number;
  /** Rows that could go: k − 1 for each component of k. */
  readonly removable: number;
  /** Rows that go: those removable, less the protected ones among them. */
  readonly dropped: number;
  readonly kept: number;
}

/**
 * Find the copies within a set: rows joined by edges above a threshold form components, of each of which one row stays
 * (Oquab et al. 2023, A.3).
 *
 * Edges are read once, in blocks, and may come from shards of a join in any order; a spanning forest of them works as well,
 * so that one pass serves any number of thresholds. A k-nearest-neighbour list is full for a picture with k copies and more,
 * so collapse copies by their hashes first, search neighbours among what is left, and pass both (`copies`, `renameRows`).
 *
 * @param rows - of the set
 * @param edges - between its rows
 * @throws CurationError when an option, a column or an edge does not fit the rows
 * @example
 * ```ts
 * const { keep, counts } = await selfDeduplicate(3, [edgeBlock([0, 1], [1, 2], [0.9, 0.7])], { threshold: 0.6 });
 * // keep: 1, 0, 0; counts.participants: 3; counts.removable: 2
 * ```
 */
export async function selfDeduplicate(
  rows: number,
  edges: Edges,
  {
    threshold = 0.6,
    keep: policies = 'lowestId',
    protect,
    copies,
    maximumSize,
    copyThreshold,
    describe = 100,
    ...facts
  }: SelfDeduplicationOptions = {},
): Promise<Deduplication> {
  checkThreshold(threshold);
  checkLength('protect', protect?.length, rows);
  checkLength('copies', copies?.length, rows);
  checkLength('vectors', facts.vectors?.rows, rows);
  const known = copies ? groupEdges(copies) : undefined;
  const forest = await maximumSpanningForest(rows, known ? chainEdges([known], edges) : edges, { threshold });
  const { component, raised } = cutForest(forest, { threshold, maximumSize, copyThreshold });
  const components = listComponents(component);
  const chosen = await chooseRepresentatives(components, [policies].flat(), facts, rows, protect);

  const representative = rowNumbers(rows);
  const keep = new Uint8Array(rows).fill(1);
  const { starts, members, labels } = components;
  chosen.forEach((stays, index) => {
    for (const row of members.subarray(starts[index]!, starts[index + 1]!)) {
      representative[row] = stays;
      keep[row] = row === stays || protect?.[row] ? 1 : 0;
    }
  });
  const similarity = new Float32Array(rows).fill(1);
  const measured = facts.vectors && (await cosines(facts.vectors, members, members.map((row) => representative[row]!)));
  members.forEach((row, place) => {
    if (row !== representative[row]) similarity[row] = measured ? measured[place]! : Number.NaN;
  });

  const kept = keep.reduce((sum, stays) => sum + stays, 0);
  return {
    component,
    representative,
    keep,
    similarity,
    linkage: linkageOf(forest, component, representative),
    counts: {
      rows,
      edges: forest.edgesRead - (known?.count ?? 0),
      components: labels.length,
      participants: members.length,
      removable: members.length - labels.length,
      dropped: rows - kept,
      kept,
    },
    ...(await summarise(components, chosen, forest, component, { describe, vectors: facts.vectors })),
    raised,
  };
}
