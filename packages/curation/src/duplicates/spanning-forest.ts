import { CurationError } from '../error';
import { type EdgeBlock, EdgeList } from '../neighbours/edges';
import { DisjointSet } from './disjoint-set';
import { blocksOf, checkRows, type Edges } from './edges';
import { precedes, sortEdges } from './sort-edges';

/**
 * The strongest edges that hold a graph together, the most similar first, `from` below `to`: at most rows − 1 of them, and
 * at every threshold they have the components of all edges.
 *
 * It is a set of edges itself, so the forest of several forests is that of all their edges: shards are merged by
 * `maximumSpanningForest(rows, chainEdges(a, b))`, and everything that takes edges takes a forest.
 */
export interface SpanningForest extends EdgeBlock {
  readonly rows: number;
  /** How many edges above the threshold it was made of; for a merged forest the edges of its parts. */
  readonly edgesRead: number;
  edges(): Iterable<EdgeBlock>;
}

export interface SpanningForestOptions {
  /** Edges with a similarity of this or less are left out; none by default. */
  readonly threshold?: number;
  /** Edges gathered before the forest is made again; a quarter of the rows and at least a million by default. */
  readonly room?: number;
}

/**
 * One pass over the edges of a graph that keeps what decides its components at every threshold (the single-linkage tree;
 * Kruskal's algorithm over blocks).
 *
 * Memory: 8 bytes per row and 28 per edge held, of which there are `room` and as many as the forest has. The result is the
 * same for every order, direction and repetition of edges.
 *
 * @throws CurationError when an edge ends at a row that does not exist
 */
export async function maximumSpanningForest(
  rows: number,
  edges: Edges,
  { threshold = -Infinity, room = Math.max(1 << 20, rows >>> 2) }: SpanningForestOptions = {},
): Promise<SpanningForest> {
  if (!(room >= 1)) throw new CurationError(`room for ${room} edges; pass a number of at least 1`);
  const least = Math.fround(threshold);
  const pending = new EdgeList();
  let held = pending.take();
  let edgesRead = 0;
  for await (const { count, from, to, similarity } of blocksOf(edges)) {
    checkRows(from, count, rows);
    checkRows(to, count, rows);
    for (let i = 0; i < count; i++) {
      if (!(similarity[i]! > least)) continue;
      edgesRead++;
      if (from[i] === to[i]) continue;
      // Adding 0 makes 0 of −0, so that equal similarities have equal bits.
      pending.push(Math.min(from[i]!, to[i]!), Math.max(from[i]!, to[i]!), similarity[i]! + 0);
    }
    // At least as many as the forest has, so that each edge of it is sorted a bounded number of times per edge read.
    if (pending.count >= Math.max(room, held.count)) held = kruskal(rows, held, pending.take());
  }
  if (pending.count > 0) held = kruskal(rows, held, pending.take());
  return { ...held, rows, edgesRead, edges: () => [held] };
}

/** The maximum spanning forest of a forest and more edges. */
function kruskal(rows: number, forest: EdgeBlock, more: EdgeBlock): EdgeBlock {
  const added = sortEdges(more);
  const sets = new DisjointSet(rows);
  const kept = new EdgeList();
  for (let a = 0, b = 0; a < forest.count || b < added.count; ) {
    const first = a < forest.count && !(b < added.count && precedes(added, b, forest, a));
    const block = first ? forest : added;
    const place = first ? a++ : b++;
    if (sets.union(block.from[place]!, block.to[place]!)) kept.push(block.from[place]!, block.to[place]!, block.similarity[place]!);
  }
  return kept.take();
}
