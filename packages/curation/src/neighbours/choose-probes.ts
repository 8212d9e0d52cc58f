import { type DeviceArray, jit } from '@dinov2/jit';
import { linear } from '@dinov2/primitives';
import type * as tf from '@tensorflow/tfjs-core';
import type { Context } from './comparer';
import type { Partitions } from './partitions';
import { LARGEST_TILE, type Lists } from './top-lists';

/** Standard errors that the sample's share lies above the wanted one, so that the true one is hardly ever below. */
const MARGIN = 2;
/** Edges below which a share of them says too little. */
const FEWEST_EDGES = 64;

interface SampledLists extends Context {
  readonly partitions: Partitions;
  /** (n, columns), of length 1. */
  readonly queries: Float32Array;
  /** The exact neighbours of each by position in the partitions, without the query itself; unused places hold −1. */
  readonly lists: Lists;
  readonly threshold: number;
  /** Share of edges to find, below 1. */
  readonly recall: number;
}

/**
 * The number of nearest partitions in which the wanted share of a sample's edges lies, and a little more, since
 * it is a sample. Where it has few edges, each query's nearest neighbour counts in their place: it is farther away, and so
 * harder to find.
 */
export async function chooseProbes(sample: SampledLists): Promise<number> {
  const { partitions: { offsets }, queries, lists: { indices, similarities }, threshold, recall } = sample;
  const partitions = offsets.length - 1;
  const count = queries.length / sample.partitions.vectors.columns;
  const k = indices.length / count;
  const places = [...indices.keys()].filter((i) => indices[i]! >= 0);
  const edges = places.filter((i) => similarities[i]! > threshold);
  const query = (i: number) => Math.floor(i / k);
  const wanted = edges.length >= FEWEST_EDGES ? edges : places.filter((i, at) => at === 0 || query(i) !== query(places[at - 1]!));
  if (wanted.length === 0) return partitions;
  const ranks = await partitionRanks(sample, wanted.map((i) => ({ query: query(i), partition: partitionAt(offsets, indices[i]!) })));
  const target = Math.min(1, recall + MARGIN * Math.sqrt((recall * (1 - recall)) / ranks.length));
  return ranks.sort()[Math.max(0, Math.ceil(target * ranks.length) - 1)]! + 1;
}

/** The partition that holds a position. */
function partitionAt(offsets: Uint32Array, position: number): number {
  let [low, high] = [0, offsets.length - 1];
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if (offsets[middle]! <= position) low = middle;
    else high = middle;
  }
  return low;
}

/** How many partitions are nearer to the query than the given one, for each pair. */
async function partitionRanks(
  { engine, partitions: { centroids, vectors: { columns } }, queries }: SampledLists,
  pairs: readonly { readonly query: number; readonly partition: number }[],
): Promise<Uint32Array> {
  const count = queries.length / columns;
  const total = centroids.length / columns;
  const ranks = new Uint32Array(pairs.length);
  const product = jit((x: tf.Tensor, y: tf.Tensor) => linear(x, y), { engine });
  const put = (rows: Float32Array): DeviceArray => engine.put(rows, [rows.length / columns, columns], 'float32');
  const right = put(centroids);
  try {
    // Few queries at a time: their scores with all centroids come to the host.
    const block = Math.min(count, LARGEST_TILE);
    for (let first = 0; first < count; first += block) {
      const left = put(queries.subarray(first * columns, Math.min(first + block, count) * columns));
      const device = await product(left, right).finally(() => left.dispose());
      const scores = (await device.data()) as Float32Array;
      device.dispose();
      for (const [i, { query, partition }] of pairs.entries()) {
        if (query < first || query >= first + block) continue;
        const row = scores.subarray((query - first) * total, (query - first + 1) * total);
        const own = row[partition]!;
        let rank = 0;
        for (let j = 0; j < total; j++) if (row[j]! > own || (row[j] === own && j < partition)) rank++;
        ranks[i] = rank;
      }
    }
  } finally {
    right.dispose();
    product.dispose();
  }
  return ranks;
}
