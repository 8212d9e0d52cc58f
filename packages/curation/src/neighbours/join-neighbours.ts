import { randomBytes } from 'node:crypto';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Vectors } from '../vectors/vectors';
import { compareQueries } from './compare-queries';
import { exactComparer } from './comparer';
import type { EdgeRecall } from './edge-recall';
import { EdgeStore } from './edge-store';
import type { EdgeBlock } from './edges';
import { joinByPartitions } from './join-by-partitions';
import { type JoinOptions, joinSettings } from './join-options';
import { unitBlocks } from './unit-blocks';

/** The edges of a join. */
export interface Join extends EdgeRecall {
  readonly method: 'exact' | 'ivf';
  /** Partitions that each query was compared with, of `partitions`. */
  readonly probes?: number;
  readonly partitions?: number;
  /** Number of edges. */
  readonly count: number;
  /** Ascending by `from`, then descending by similarity. May be read more than once. */
  edges(): AsyncIterable<EdgeBlock>;
  /** Remove temporary files. */
  close(): Promise<void>;
}

/**
 * For each row of `queries` its k nearest rows of `database` among those whose cosine exceeds the threshold. The row
 * itself is left out where both are the same object.
 *
 * Nearest neighbours above a threshold are what the deduplication of Oquab et al. 2023 (A.3) connects: k = 64, 0.6. Rows of
 * equal similarity stand in order of row number; which of them end a full list is left open. Similarities are float32 sums,
 * about 1e-7 from the true cosines. Neither all rows nor all scores are ever in memory.
 *
 * `ivf` orders the database by the nearest of 2 √N spherical centroids in a scratch file, loads a partition once and
 * multiplies it with all queries that probe it. The recall of edges is measured on a sample of queries, against all rows,
 * whatever the probes.
 *
 * @throws CurationError when columns differ, a row is not finite or is all zeros, or an option is out of range
 * @example
 * ```ts
 * const vectors = await openVectors('embeddings');
 * const join = await joinNeighbours(vectors, vectors, { engine, k: 64, threshold: 0.6 });
 * console.log(`${join.count} pairs, ${100 * join.edgeRecall} % of all`);
 * for await (const { count, from, to, similarity } of join.edges()) {
 *   for (let i = 0; i < count; i++) console.log(from[i], to[i], similarity[i]);
 * }
 * await join.close();
 * ```
 */
export async function joinNeighbours(queries: Vectors, database: Vectors, options: JoinOptions): Promise<Join> {
  const settings = joinSettings(queries, database, options);
  const { method, signal, shard } = settings;
  signal?.throwIfAborted();
  let temporary: string | undefined;
  const scratch = async () => {
    if (options.scratch === undefined) return (temporary ??= await mkdtemp(join(tmpdir(), 'join-')));
    await mkdir(options.scratch, { recursive: true });
    return options.scratch;
  };
  const name = `edges-${shard.index}-of-${shard.of}-${randomBytes(4).toString('hex')}`;
  const store = new EdgeStore(async () => join(await scratch(), name));
  const close = async () => {
    await store.close();
    if (temporary !== undefined) await rm(temporary, { recursive: true, force: true });
  };
  try {
    const result = method === 'exact' ? await joinExactly() : await joinByPartitions(queries, database, store, { ...settings, folder: await scratch() });
    return { method, ...result, count: store.count, edges: () => store.edges(), close };
  } catch (error) {
    await close();
    throw error;
  }

  async function joinExactly(): Promise<EdgeRecall> {
    const comparer = exactComparer(database, () => unitBlocks(database, 'database'), settings);
    await compareQueries({ queries, comparer, self: queries === database, store }, settings);
    return { edgeRecall: 1, sampledEdges: 0 };
  }
}
