import { type Comparer, type Context, counting, exactComparer } from './comparer';
import type { Partitions } from './partitions';
import { TopLists } from './top-lists';
import { ahead, blockRows, rowBlocks } from './unit-blocks';

/** Compares every query with every row of some partitions' vectors. */
export const allPartitions = ({ vectors, order }: Partitions, context: Context): Comparer => ({
  ...exactComparer(vectors, () => rowBlocks(vectors), context),
  rowAt: (position) => order[position]!,
});

/**
 * Compares each query with the rows of its nearest `probes` partitions. Partition by partition: one is read once and
 * multiplied with all queries that probe it.
 */
export function partitionComparer({ centroids, offsets, order, vectors }: Partitions, probes: number, context: Context): Comparer {
  const { columns } = vectors;
  const partitions = offsets.length - 1;
  const longest = blockRows(columns);
  return {
    async compare(lists, queries, onDone) {
      const probing = await probingQueries(queries, { ...context, centroids, columns, probes });
      const reads: { readonly partition: number; readonly first: number; readonly count: number }[] = [];
      for (let partition = 0; partition < partitions; partition++) {
        if (probing(partition).length === 0) continue;
        const end = offsets[partition + 1]!;
        for (let first = offsets[partition]!; first < end; first += longest) reads.push({ partition, first, count: Math.min(longest, end - first) });
      }
      const pairs = reads.reduce((sum, { partition, count }) => sum + count * probing(partition).length, 0);
      let done = 0;
      const blocks = ahead(reads.map((range) => async () => ({ ...range, data: await vectors.read(range.first, range.count) })));
      for await (const { partition, first, count, data } of blocks) {
        context.signal?.throwIfAborted();
        await lists.add(data, first, probing(partition));
        done += count * probing(partition).length;
        onDone(done / pairs);
      }
    },
    rowAt: (position) => order[position]!,
  };
}

interface ProbeOptions extends Context {
  readonly centroids: Float32Array;
  readonly columns: number;
  readonly probes: number;
}

/** For each partition the queries to which its centroid is one of the `probes` nearest, ascending. */
async function probingQueries(queries: Float32Array, { engine, signal, centroids, columns, probes }: ProbeOptions): Promise<(partition: number) => Int32Array> {
  const count = queries.length / columns;
  const partitions = centroids.length / columns;
  if (probes >= partitions) {
    const all = counting(count);
    return () => all;
  }
  const nearest = new Int32Array(count * probes);
  const starts = new Uint32Array(partitions + 1);
  const lists = new TopLists(engine, { columns, k: probes, floor: -Infinity, signal });
  const block = blockRows(columns);
  try {
    for (let first = 0; first < count; first += block) {
      const part = queries.subarray(first * columns, Math.min(first + block, count) * columns);
      lists.begin(part);
      await lists.add(centroids, 0, counting(part.length / columns));
      const { indices } = await lists.finish();
      nearest.set(indices, first * probes);
      for (const partition of indices) starts[partition + 1]!++;
    }
  } finally {
    lists.dispose();
  }
  for (let i = 0; i < partitions; i++) starts[i + 1]! += starts[i]!;
  const next = starts.slice();
  const grouped = new Int32Array(nearest.length);
  nearest.forEach((partition, i) => (grouped[next[partition]!++] = Math.floor(i / probes)));
  return (partition) => grouped.subarray(starts[partition]!, starts[partition + 1]!);
}
