import { CurationError } from '../error';
import { checkLength, checkThreshold } from './check-options';
import { DisjointSet } from './disjoint-set';
import { blocksOf, checkRows, type Edges } from './edges';

/** The rows compared and the edges between them. */
export interface RelativeGraph {
  /** Rows of the pool. */
  readonly pool: number;
  /** Rows of the reference sets, counted through. */
  readonly references: number;
  /**
   * Edges from a row of the pool to a row of the references. Search each pool row's nearest references, not the reverse: one
   * neighbour is enough then, however many copies a reference has.
   */
  readonly between: Edges;
  /** Edges within the pool; without them only direct neighbours are known. */
  readonly within?: Edges;
}

export interface RelativeDeduplicationOptions {
  /** Cosine above which two pictures are joined; 0.45 by default, as in DINOv2. */
  readonly threshold?: number;
  /**
   * `component` (default): a row goes when its component in the graph of pool and references holds a reference. `direct`: only
   * when it is itself a neighbour of one.
   */
  readonly mode?: 'component' | 'direct';
  /** Groups of copies within the pool, for each row a row of its group; in both modes they go together. */
  readonly copies?: Uint32Array;
}

/** Which rows of the pool stay, and by which reference the others go. Nothing is deleted. */
export interface RelativeDeduplication {
  /** 1 for rows that stay, (pool,). */
  readonly keep: Uint8Array;
  /** 1 for rows with a reference above the threshold. */
  readonly direct: Uint8Array;
  /**
   * Its nearest reference above the threshold; for rows that have none but go all the same, that of `through`; otherwise
   * {@link noRow}.
   */
  readonly reference: Uint32Array;
  /** The row itself where direct; otherwise the row of its component that is nearest to a reference; otherwise {@link noRow}. */
  readonly through: Uint32Array;
  /** Cosine of `through` and `reference`; not a number where there are none. */
  readonly similarity: Float32Array;
  /** For each row the lowest row of its component in the pool, of edges within the pool and copies. */
  readonly component: Uint32Array;
  readonly counts: RelativeCounts;
}

export interface RelativeCounts {
  readonly pool: number;
  readonly references: number;
  /** References that have a row of the pool above the threshold, as far as the edges tell. */
  readonly referencesFound: number;
  /** Rows that go in mode `direct`. */
  readonly direct: number;
  /** Rows that go in mode `component`; undefined without edges within the pool. */
  readonly component?: number;
  /** Rows of the largest component that holds a reference: far more than one picture has copies, the components are chains. */
  readonly largestComponent: number;
  /** Rows that go in the mode chosen. */
  readonly dropped: number;
}

/** Stands for no row. */
export const noRow = 2 ** 32 - 1;

/**
 * Find the rows of a pool that resemble reference sets, so that no held-out picture is trained on (Oquab et al. 2023, A.3).
 *
 * Both variants are counted whichever is chosen. Edges between references are not needed: they could only join components
 * that hold references anyway.
 *
 * @throws CurationError when an option or an edge does not fit the rows, or `component` is asked for without edges within
 * the pool
 */
export async function relativeDeduplicate(
  { pool, references, between, within }: RelativeGraph,
  { threshold = 0.45, mode = 'component', copies }: RelativeDeduplicationOptions = {},
): Promise<RelativeDeduplication> {
  checkThreshold(threshold);
  checkLength('copies', copies?.length, pool);
  if (mode === 'component' && within === undefined) {
    throw new CurationError('the mode component needs edges within the pool; pass them as within, or choose the mode direct');
  }
  const least = Math.fround(threshold);
  const reference = new Uint32Array(pool).fill(noRow);
  const similarity = new Float32Array(pool).fill(Number.NaN);
  const found = new Uint8Array(references);
  for await (const block of blocksOf(between)) {
    checkRows(block.from, block.count, pool, 'rows in the pool');
    checkRows(block.to, block.count, references, 'references');
    for (let i = 0; i < block.count; i++) {
      const value = block.similarity[i]!;
      if (!(value > least)) continue;
      const row = block.from[i]!;
      const other = block.to[i]!;
      found[other] = 1;
      if (!(value < similarity[row]!) && !(value === similarity[row] && other > reference[row]!)) {
        similarity[row] = value;
        reference[row] = other;
      }
    }
  }
  const direct = Uint8Array.from(reference, (row) => (row === noRow ? 0 : 1));

  const sets = new DisjointSet(pool);
  copies?.forEach((label, row) => sets.union(row, label));
  const copied = nearestOfSets(sets.labels(), direct, similarity);
  if (within) {
    for await (const { count, from, to, similarity } of blocksOf(within)) {
      checkRows(from, count, pool, 'rows in the pool');
      checkRows(to, count, pool, 'rows in the pool');
      for (let i = 0; i < count; i++) {
        if (similarity[i]! > least) sets.union(from[i]!, to[i]!);
      }
    }
  }
  const component = sets.labels();
  const linked = nearestOfSets(component, direct, similarity);

  const through = (mode === 'direct' ? copied : linked).nearest.map((row, at) => (direct[at] ? at : row));
  const source = reference.slice();
  const cosine = similarity.slice();
  through.forEach((row, at) => {
    if (row === noRow || row === at) return;
    reference[at] = source[row]!;
    similarity[at] = cosine[row]!;
  });
  const dropped = mode === 'direct' ? copied.count : linked.count;
  return {
    keep: Uint8Array.from(through, (row) => (row === noRow ? 1 : 0)),
    direct,
    reference,
    through,
    similarity,
    component,
    counts: {
      pool,
      references,
      referencesFound: found.reduce((sum, one) => sum + one, 0),
      direct: copied.count,
      ...(within && { component: linked.count }),
      largestComponent: linked.largest,
      dropped,
    },
  };
}

/** For each row the direct row of its set that is nearest to a reference, the lowest among equals. */
function nearestOfSets(labels: Uint32Array, direct: Uint8Array, similarity: Float32Array) {
  const best = new Uint32Array(labels.length).fill(noRow);
  labels.forEach((label, row) => {
    if (direct[row] && (best[label] === noRow || similarity[row]! > similarity[best[label]!]!)) best[label] = row;
  });
  const nearest = labels.map((label) => best[label]!);
  const sizes = new Uint32Array(labels.length);
  let count = 0;
  let largest = 0;
  labels.forEach((label, row) => {
    if (nearest[row] === noRow) return;
    count++;
    largest = Math.max(largest, ++sizes[label]!);
  });
  return { nearest, count, largest };
}
