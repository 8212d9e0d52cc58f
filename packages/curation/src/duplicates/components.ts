import { CurationError } from '../error';
import { DisjointSet } from './disjoint-set';
import { blocksOf, checkRows, type Edges } from './edges';

export interface ComponentOptions {
  /** Only edges with a similarity above this join rows; all edges by default. */
  readonly threshold?: number;
}

/**
 * Connected components of a graph whose edges come in blocks: four bytes of memory per row, whatever the number of edges.
 *
 * @returns for each row the lowest row of its component, (rows,)
 * @throws CurationError when an edge ends at a row that does not exist
 * @example
 * ```ts
 * const components = await connectedComponents(4, [edgeBlock([0, 1], [2, 3], [0.9, 0.5])], { threshold: 0.6 });
 * // 0, 1, 0, 3
 * ```
 */
export async function connectedComponents(
  rows: number,
  edges: Edges,
  { threshold = -Infinity }: ComponentOptions = {},
): Promise<Uint32Array> {
  const sets = new DisjointSet(rows);
  // A similarity of exactly the threshold, as float32 has it, is not above.
  const least = Math.fround(threshold);
  for await (const { count, from, to, similarity } of blocksOf(edges)) {
    checkRows(from, count, rows);
    checkRows(to, count, rows);
    for (let i = 0; i < count; i++) {
      if (similarity[i]! > least) sets.union(from[i]!, to[i]!);
    }
  }
  return sets.labels();
}

/**
 * Components of a graph from the components of its parts: of shards of its edges that were worked on apart, or of several
 * kinds of groups (exact copies, perceptual copies, neighbours). The order of parts does not matter.
 *
 * @param parts - labels of the same rows, each row's label being a row of its component
 * @returns the lowest row of each row's component
 * @throws CurationError when the parts differ in their number of rows, or there are none
 */
export function mergeComponents(...parts: readonly Uint32Array[]): Uint32Array {
  const rows = parts[0]?.length;
  if (rows === undefined) throw new CurationError('no components to merge; pass the labels of at least one part');
  const sets = new DisjointSet(rows);
  for (const part of parts) {
    if (part.length !== rows) {
      throw new CurationError(`components of ${rows} and of ${part.length} rows cannot be merged; each part labels all rows`);
    }
    checkRows(part, rows, rows);
    for (let row = 0; row < rows; row++) sets.union(row, part[row]!);
  }
  return sets.labels();
}
