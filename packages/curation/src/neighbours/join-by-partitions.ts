import { createRandom } from '@dinov2/primitives';
import { shardRange } from '../kmeans/shards';
import { unitRows } from '../vectors/unit-rows';
import type { Vectors } from '../vectors/vectors';
import { chooseProbes } from './choose-probes';
import { compareQueries } from './compare-queries';
import { edgeRecall, type EdgeRecall } from './edge-recall';
import type { EdgeStore } from './edge-store';
import { type EdgeBlock, EdgeList } from './edges';
import type { JoinSettings } from './join-options';
import { listEdges } from './list-edges';
import { allPartitions, partitionComparer } from './partition-comparer';
import { partition, type Partitions } from './partitions';
import { stageProgress } from './progress';
import { sampleRows } from './sample-rows';
import { TopLists } from './top-lists';

/** Queries whose exact neighbours are found, at least. */
const SMALLEST_SAMPLE = 1024;
/** For each root of a row, to choose the probes and to measure the recall: so their share of the work stays the same. */
const CHOOSING = 4;
const MEASURING = 2;
/** Probes of all queries that are compared at a time: a number each, twice. */
const MOST_PROBES = 2 ** 27;

interface Indexed {
  readonly index: Partitions;
  readonly queries: Vectors;
  /** Whether queries and database are the same. */
  readonly self: boolean;
}

/** Join with the partitions near each query, and measure on a sample what that missed. */
export async function joinByPartitions(
  queries: Vectors,
  database: Vectors,
  store: EdgeStore,
  settings: JoinSettings & { /** For the ordered rows. */ readonly folder: string },
): Promise<EdgeRecall & { readonly probes: number; readonly partitions: number }> {
  const { partitions, seed, shard, onProgress } = settings;
  const index = await partition(database, { ...settings, onDone: stageProgress('index', database.rows, onProgress) });
  const indexed = { index, queries, self: queries === database };
  try {
    const probes = settings.probes ?? (settings.recall >= 1 ? partitions : await wantedProbes(indexed, settings));
    const queryRows = Math.min(settings.queryRows, Math.ceil(MOST_PROBES / probes));
    const { first: begin, end } = shardRange(shard, queries.rows);
    const sample = sampleRows(end - begin, sampleSize(MEASURING, index), createRandom(seed).fork('check')).map((row) => begin + row);
    const noted = new Map([...sample].map((row): [number, number[]] => [row, []]));
    await compareQueries({ ...indexed, comparer: partitionComparer(index, probes, settings), store, noted }, { ...settings, queryRows });
    const truth = await exactEdges(indexed, sample, settings);
    return { ...edgeRecall(truth, noted), probes, partitions };
  } finally {
    await index.vectors.close();
  }
}

const sampleSize = (factor: number, { order }: Partitions): number => Math.max(SMALLEST_SAMPLE, Math.round(factor * Math.sqrt(order.length)));

/** The probes that the recall needs by a sample of all queries: the same for all shards. */
async function wantedProbes(indexed: Indexed, settings: JoinSettings): Promise<number> {
  const sample = sampleRows(indexed.queries.rows, sampleSize(CHOOSING, indexed.index), createRandom(settings.seed).fork('probes'));
  const { queries, lists } = await exactLists(indexed, sample, { ...settings, threshold: -Infinity });
  const width = lists.indices.length / sample.length;
  const places = lists.indices.map((position, i) => {
    const unused = lists.similarities[i] === -Infinity;
    // The row itself is in the first partition that its query probes, which says nothing of the others.
    const itself = indexed.self && indexed.index.order[position] === sample[Math.floor(i / width)];
    return unused || itself ? -1 : position;
  });
  return chooseProbes({ ...settings, partitions: indexed.index, queries, lists: { ...lists, indices: places } });
}

/** Edges of some queries against all rows. */
async function exactEdges(indexed: Indexed, rows: Uint32Array, settings: JoinSettings): Promise<EdgeBlock> {
  const { lists } = await exactLists(indexed, rows, settings);
  const edges = new EdgeList();
  const reader = { k: settings.k, floor: settings.threshold, rowAt: (position: number) => indexed.index.order[position]!, self: indexed.self };
  rows.forEach((row, query) => listEdges(lists, query, row, reader, edges));
  return edges.take();
}

/** Lists of some queries against all rows, and those queries at length 1. */
async function exactLists({ index, queries, self }: Indexed, rows: Uint32Array, settings: JoinSettings) {
  const { k, threshold, engine, signal, onProgress } = settings;
  const { columns } = queries;
  const data = await queries.gather(rows);
  for (const [i, first] of rows.entries()) unitRows(data.subarray(i * columns, (i + 1) * columns), { columns, first, name: 'queries' });
  const progress = stageProgress('check', index.vectors.rows, onProgress);
  const lists = new TopLists(engine, { columns, k: self ? k + 1 : k, floor: threshold, signal });
  try {
    lists.begin(data);
    await allPartitions(index, settings).compare(lists, data, (share) => progress(share * index.vectors.rows));
    return { queries: data, lists: await lists.finish() };
  } finally {
    lists.dispose();
  }
}
