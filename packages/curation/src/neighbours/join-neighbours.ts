import { randomBytes } from 'node:crypto';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Engine } from '@dinov2/jit';
import { createRandom } from '@dinov2/primitives';
import { CurationError } from '../error';
import { unitRows } from '../vectors/unit-rows';
import type { Vectors } from '../vectors/vectors';
import { chooseProbes } from './choose-probes';
import { type Comparer, type Context, exactComparer } from './comparer';
import { edgeRecall, type EdgeRecall } from './edge-recall';
import { EdgeStore } from './edge-store';
import { type EdgeBlock, EdgeList } from './edges';
import { allPartitions, partitionComparer } from './partition-comparer';
import { partition, type Partitions } from './partitions';
import { type JoinProgress, stageProgress } from './progress';
import { sampleRows } from './sample-rows';
import { TopLists } from './top-lists';
import { unitBlocks } from './unit-blocks';

/** Multiply-adds up to which `auto` compares everything: about two minutes on two cores. */
const AFFORDABLE = 1e13;
/** Queries whose exact neighbours are found, to choose the probes and again to measure the recall. */
const SAMPLE = 1024;
/** Memory of the queries that are compared at a time, with their lists. */
const QUERY_BYTES = 1.5 * 2 ** 30;

export interface JoinOptions {
  readonly engine: Engine;
  /** Neighbours of a query at most; 64 by default. */
  readonly k?: number;
  /** Cosine that neighbours exceed; 0.6 by default. −Infinity for none. */
  readonly threshold?: number;
  /**
   * `exact` compares all pairs; `ivf` those of nearby partitions; `auto`, the default, is `exact` while
   * queries × rows × columns is at most 10¹³, about two minutes on two cores.
   */
  readonly method?: 'auto' | 'exact' | 'ivf';
  /** Share of the edges that `ivf` should find, 0.97 by default: picks the probes. */
  readonly recall?: number;
  /** Partitions of `ivf`; the square root of the database's rows by default. */
  readonly partitions?: number;
  /** Partitions that each query is compared with, in place of those that `recall` asks for. */
  readonly probes?: number;
  readonly seed?: number;
  /** Only the queries of one of several equal ranges, counted from 0. The edges of all shards, in their order, are those of the whole. */
  readonly shard?: { readonly index: number; readonly of: number };
  /**
   * Folder for the rows ordered by partition and for edges beyond memory. Ordered rows stay there for other shards and
   * runs. By default a temporary folder, removed in the end.
   */
  readonly scratch?: string;
  /** Queries compared at a time; by default as many as fit into 1.5 GiB. */
  readonly queryRows?: number;
  readonly onProgress?: (progress: JoinProgress) => void;
  readonly signal?: AbortSignal;
}

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
 * `ivf` orders the database by the nearest of √N spherical centroids in a scratch file, loads a partition once and
 * multiplies it with all queries that probe it. The recall of edges is measured on a sample of queries, against all rows,
 * whatever the probes.
 *
 * @throws CurationError when columns differ, a row is not finite or is all zeros, or an option is out of range
 */
export async function joinNeighbours(queries: Vectors, database: Vectors, options: JoinOptions): Promise<Join> {
  const settings = checked(queries, database, options);
  const { method, signal, shard } = settings;
  signal?.throwIfAborted();
  let temporary: string | undefined;
  const scratch = async () => {
    if (options.scratch !== undefined) {
      await mkdir(options.scratch, { recursive: true });
      return options.scratch;
    }
    return (temporary ??= await mkdtemp(join(tmpdir(), 'join-')));
  };
  const name = `edges-${shard.index}-of-${shard.of}-${randomBytes(4).toString('hex')}`;
  const store = new EdgeStore(async () => join(await scratch(), name));
  const close = async () => {
    await store.close();
    if (temporary !== undefined) await rm(temporary, { recursive: true, force: true });
  };
  try {
    if (method === 'exact') {
      await compareAll({ ...settings, queries, database, comparer: exactComparer(database, () => unitBlocks(database, 'database'), settings), store });
      return { method, edgeRecall: 1, sampledEdges: 0, count: store.count, edges: () => store.edges(), close };
    }
    const result = await joinByPartitions(queries, database, { ...settings, folder: await scratch() }, store);
    return { method, ...result, count: store.count, edges: () => store.edges(), close };
  } catch (error) {
    await close();
    throw error;
  }
}

interface Settings extends Context {
  readonly k: number;
  readonly threshold: number;
  readonly method: 'exact' | 'ivf';
  readonly recall: number;
  readonly partitions: number;
  readonly probes: number | undefined;
  readonly seed: number;
  readonly shard: { readonly index: number; readonly of: number };
  readonly queryRows: number;
  readonly onProgress: ((progress: JoinProgress) => void) | undefined;
}

function checked(queries: Vectors, database: Vectors, options: JoinOptions): Settings {
  const { k = 64, threshold = 0.6, method = 'auto', recall = 0.97, seed = 0, shard = { index: 0, of: 1 }, probes } = options;
  const { columns, rows } = database;
  const require = (holds: boolean, message: string) => {
    if (!holds) throw new CurationError(message);
  };
  const whole = (value: number, least: number, most: number) => Number.isInteger(value) && value >= least && value <= most;
  require(queries.columns === columns, `queries have ${queries.columns} columns and the database has ${columns}; both must come from the same model`);
  require(queries.rows > 0 && rows > 0, `there are ${queries.rows} queries and ${rows} rows in the database; a join needs at least one of each`);
  require(whole(k, 1, 2 ** 20), `k is ${k}; pass a whole number from 1 to ${2 ** 20}`);
  require(threshold < 1, `threshold is ${threshold}; pass a cosine below 1, or -Infinity`);
  require(recall > 0 && recall <= 1, `recall is ${recall}; pass a share above 0, at most 1`);
  require(whole(shard.of, 1, 2 ** 32) && whole(shard.index, 0, shard.of - 1), `shard ${shard.index} of ${shard.of} does not exist; shards count from 0`);
  const partitions = options.partitions ?? Math.max(1, Math.round(Math.sqrt(rows)));
  require(whole(partitions, 1, rows), `partitions is ${partitions}; pass a whole number from 1 to the database's ${rows} rows`);
  require(probes === undefined || whole(probes, 1, partitions), `probes is ${probes}; pass a whole number from 1 to the ${partitions} partitions`);
  // Host and device hold a query, and so they do its list.
  const bytes = 8 * columns + 16 * (k + 1);
  const queryRows = options.queryRows ?? Math.max(1024, Math.floor(QUERY_BYTES / bytes));
  require(whole(queryRows, 1, 2 ** 32), `queryRows is ${queryRows}; pass a whole number of at least 1`);
  const exact = method === 'exact' || (method === 'auto' && queries.rows * rows * columns <= AFFORDABLE);
  return {
    // Lists hold float32: what equals the floor there must equal it here.
    engine: options.engine, k, threshold: Math.fround(threshold), method: exact ? 'exact' : 'ivf', recall, partitions, probes, seed, shard, queryRows,
    onProgress: options.onProgress, signal: options.signal,
  };
}

/** First row and end of a shard. */
function shardRange(rows: number, { index, of }: Settings['shard']): [first: number, end: number] {
  return [Math.floor((rows * index) / of), Math.floor((rows * (index + 1)) / of)];
}

interface Comparison extends Settings {
  readonly queries: Vectors;
  readonly database: Vectors;
  readonly comparer: Comparer;
  readonly store: EdgeStore;
  /** Queries whose edges are noted, ascending. */
  readonly noted?: ReadonlyMap<number, number[]>;
}

/** Compare the queries of the shard, as many at a time as memory allows, and keep their edges. */
async function compareAll({ queries, database, comparer, store, noted, ...settings }: Comparison): Promise<void> {
  const { engine, k, threshold, shard, signal, onProgress } = settings;
  const { columns } = queries;
  const [begin, end] = shardRange(queries.rows, shard);
  const blocks = Math.ceil((end - begin) / settings.queryRows);
  const rows = Math.ceil((end - begin) / blocks);
  const self = queries === database;
  const progress = stageProgress('join', end - begin, onProgress);
  const lists = new TopLists(engine, { columns, k: self ? k + 1 : k, floor: threshold, signal });
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
        const row = first + i;
        const note = noted?.get(row);
        pushEdges(edges, { ...found, query: i, row, k, floor: threshold, rowAt: comparer.rowAt, self }, note);
        if (edges.count >= 65_536) await store.append(edges.take());
      }
    }
    await store.append(edges.take());
    await store.finish();
  } finally {
    lists.dispose();
  }
}

interface QueryList {
  readonly indices: Int32Array;
  readonly similarities: Float32Array;
  /** Number of the list. */
  readonly query: number;
  /** Row of the query. */
  readonly row: number;
  readonly k: number;
  readonly floor: number;
  readonly rowAt: (position: number) => number;
  /** Whether to leave the query's row out. */
  readonly self: boolean;
}

/** The edges of one list: without the row itself, equal ones by row number. */
function pushEdges(edges: EdgeList, { indices, similarities, query, row, k, floor, rowAt, self }: QueryList, note?: number[]): void {
  const width = self ? k + 1 : k;
  const start = query * width;
  const found: { readonly to: number; readonly similarity: number }[] = [];
  for (let i = start; i < start + width && similarities[i]! > floor; i++) {
    const to = rowAt(indices[i]!);
    // Rounding takes the product of two unit rows a little over 1.
    if (!self || to !== row) found.push({ to, similarity: Math.min(1, similarities[i]!) });
  }
  found.sort((a, b) => b.similarity - a.similarity || a.to - b.to);
  // One more than k where many equal rows pushed the row itself out of its list.
  for (const { to, similarity } of found.slice(0, k)) {
    edges.push(row, to, similarity);
    note?.push(similarity);
  }
}

async function joinByPartitions(
  queries: Vectors,
  database: Vectors,
  settings: Settings & { readonly folder: string },
  store: EdgeStore,
): Promise<EdgeRecall & { readonly probes: number; readonly partitions: number }> {
  const { onProgress, shard } = settings;
  const random = createRandom(settings.seed).fork('join');
  const index = await partition(database, { ...settings, onDone: stageProgress('index', database.rows, onProgress) });
  try {
    const probes = settings.probes ?? (await probesFor(index, queries, database, settings));
    const [begin, end] = shardRange(queries.rows, shard);
    const rows = sampleRows(end - begin, SAMPLE, random.fork('check')).map((row) => begin + row);
    const noted = new Map([...rows].map((row): [number, number[]] => [row, []]));
    await compareAll({ ...settings, queries, database, comparer: partitionComparer(index, probes, settings), store, noted });
    const truth = await exactEdges(index, queries, database, rows, settings);
    return { ...edgeRecall(truth, noted), probes, partitions: settings.partitions };
  } finally {
    await index.vectors.close();
  }
}

/** Exact lists of a sample, in which all shards agree, tell how many probes the recall needs. */
async function probesFor(index: Partitions, queries: Vectors, database: Vectors, settings: Settings): Promise<number> {
  const rows = sampleRows(queries.rows, SAMPLE, createRandom(settings.seed).fork('probes'));
  const { data, lists, width } = await exactLists(index, queries, database, rows, { ...settings, threshold: -Infinity });
  if (queries === database) {
    // A query is in a partition itself, which says nothing about its neighbours.
    lists.indices.forEach((position, i) => {
      if (similarityIsUnused(lists.similarities[i]!) || index.order[position] === rows[Math.floor(i / width)]) lists.indices[i] = -1;
    });
  }
  return chooseProbes({ ...settings, partitions: index, queries: data, lists });
}

const similarityIsUnused = (similarity: number) => similarity === -Infinity;

/** Lists of some queries against all rows. */
async function exactLists(index: Partitions, queries: Vectors, database: Vectors, rows: Uint32Array, { k, threshold, ...settings }: Settings) {
  const { columns } = queries;
  const width = queries === database ? k + 1 : k;
  const data = await queries.gather(rows);
  for (const [i, first] of rows.entries()) unitRows(data.subarray(i * columns, (i + 1) * columns), { columns, first, name: 'queries' });
  const lists = new TopLists(settings.engine, { columns, k: width, floor: threshold, signal: settings.signal });
  try {
    const progress = stageProgress('check', database.rows, settings.onProgress);
    lists.begin(data);
    await allPartitions(index, settings).compare(lists, data, (share) => progress(share * database.rows));
    return { data, lists: await lists.finish(), width };
  } finally {
    lists.dispose();
  }
}

/** Edges of some queries against all rows. */
async function exactEdges(index: Partitions, queries: Vectors, database: Vectors, rows: Uint32Array, settings: Settings): Promise<EdgeBlock> {
  const { lists } = await exactLists(index, queries, database, rows, settings);
  const { rowAt } = allPartitions(index, settings);
  const edges = new EdgeList();
  const { k, threshold } = settings;
  rows.forEach((row, query) => pushEdges(edges, { ...lists, query, row, k, floor: threshold, rowAt, self: queries === database }));
  return edges.take();
}
