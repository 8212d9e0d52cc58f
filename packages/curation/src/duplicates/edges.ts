import { CurationError } from '../error';
import type { EdgeBlock } from '../neighbours/edges';
import { rowNumbers } from './row-numbers';

type EdgeBlocks = AsyncIterable<EdgeBlock> | Iterable<EdgeBlock>;

/**
 * Edges in blocks, or something that has them, as the result of `joinNeighbours` does. They are read once, in order, and
 * never held together. An edge counts in both directions, whichever of them is listed, and any number of times.
 */
export type Edges = EdgeBlocks | { edges(): EdgeBlocks };

/** The blocks of edges one after another. */
export function blocksOf(edges: Edges): EdgeBlocks {
  return 'edges' in edges ? edges.edges() : edges;
}

/** Edges that are in memory as one block. */
export function edgeBlock(
  from: ArrayLike<number>,
  to: ArrayLike<number>,
  similarity: ArrayLike<number>,
): EdgeBlock {
  return {
    count: from.length,
    from: Uint32Array.from(from),
    to: Uint32Array.from(to),
    similarity: Float32Array.from(similarity),
  };
}

/**
 * Edges between rows of a subset as edges between rows of the whole set: for neighbours that were searched among the rows
 * left after exact copies were collapsed.
 *
 * @param rows - for each row of the subset its row in the whole set
 */
export async function* renameRows(edges: Edges, rows: Uint32Array): AsyncGenerator<EdgeBlock> {
  for await (const { count, from, to, similarity } of blocksOf(edges)) {
    checkRows(from, count, rows.length);
    checkRows(to, count, rows.length);
    const rename = (row: number) => rows[row]!;
    yield { count, from: from.subarray(0, count).map(rename), to: to.subarray(0, count).map(rename), similarity };
  }
}

/** Edges of several shards, or of several kinds, one after another. */
export async function* chainEdges(...shards: readonly Edges[]): AsyncGenerator<EdgeBlock> {
  for (const shard of shards) yield* blocksOf(shard);
}

/** Groups as edges of similarity 1: each row of a group with the row that labels it. */
export function groupEdges(groups: Uint32Array): EdgeBlock {
  const from = rowNumbers(groups.length).filter((row) => groups[row] !== row);
  return { count: from.length, from, to: from.map((row) => groups[row]!), similarity: new Float32Array(from.length).fill(1) };
}

/** @throws CurationError when one of the first `count` numbers is not a row. */
export function checkRows(numbers: Uint32Array, count: number, rows: number, what = 'rows'): void {
  for (let i = 0; i < count; i++) {
    if (numbers[i]! >= rows) {
      throw new CurationError(
        `an edge ends at row ${numbers[i]}, but there are ${rows} ${what}; pass the number of rows that the neighbours were searched in`,
      );
    }
  }
}
