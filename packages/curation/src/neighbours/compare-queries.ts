import { shardRange } from '../kmeans/shards';
import { unitRows } from '../vectors/unit-rows';
import type { Vectors } from '../vectors/vectors';
import type { Comparer } from './comparer';
import type { EdgeStore } from './edge-store';
import { EdgeList } from './edges';
import type { JoinSettings } from './join-options';
import { listEdges } from './list-edges';
import { stageProgress } from './progress';
import { TopLists } from './top-lists';

/** Edges that are handed on at a time. */
const BLOCK_EDGES = 65_536;

interface Comparison {
  readonly queries: Vectors;
  readonly comparer: Comparer;
  /** Whether queries and database are the same. */
  readonly self: boolean;
  readonly store: EdgeStore;
  /** Queries, by row, whose similarities are noted. */
  readonly noted?: ReadonlyMap<number, number[]>;
}

/** Compare the queries of the shard, as many at a time as memory allows, and store their edges. */
export async function compareQueries({ queries, comparer, self, store, noted }: Comparison, settings: JoinSettings): Promise<void> {
  const { engine, k, threshold, shard, signal, onProgress } = settings;
  const { columns } = queries;
  const { first: begin, end } = shardRange(shard, queries.rows);
  const blocks = Math.ceil((end - begin) / settings.queryRows);
  const rows = Math.ceil((end - begin) / blocks);
  const progress = stageProgress('join', end - begin, onProgress);
  const lists = new TopLists(engine, { columns, k: self ? k + 1 : k, floor: threshold, signal });
  const reader = { k, floor: threshold, rowAt: comparer.rowAt, self };
  const edges = new EdgeList();
  try {
    for (let first = begin; first < end; first += rows) {
      const count = Math.min(rows, end - first);
      const block = await queries.read(first, count);
      unitRows(block, { columns, first, name: 'queries' });
      lists.begin(block);
      await comparer.compare(lists, block, (share) => progress(first - begin + share * count));
      const found = await lists.finish();
      for (let i = 0; i < count; i++) {
        listEdges(found, i, first + i, reader, edges, noted?.get(first + i));
        if (edges.count >= BLOCK_EDGES) await store.append(edges.take());
      }
    }
    await store.append(edges.take());
    await store.finish();
  } finally {
    lists.dispose();
  }
}
