import type { Engine } from '@dinov2/jit';
import { CurationError } from '../error';
import { checkShard, type Shard } from '../kmeans/shards';
import type { Vectors } from '../vectors/vectors';
import type { JoinProgress } from './progress';

/** Multiply-adds up to which `auto` compares everything: a quarter of a minute on two cores. */
const AFFORDABLE = 1e12;
/** Partitions for each root of a row: more of them cost more centroids, fewer cost more rows (bench/self-join-vs-faiss.mjs). */
const PARTITIONS = 2;
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
   * queries × rows × columns is at most 10¹², a quarter of a minute on two cores.
   */
  readonly method?: 'auto' | 'exact' | 'ivf';
  /** Share of the edges that `ivf` should find, 0.97 by default: picks the probes. */
  readonly recall?: number;
  /** Partitions of `ivf`; twice the square root of the database's rows by default. */
  readonly partitions?: number;
  /** Partitions that each query is compared with, in place of those that `recall` asks for. */
  readonly probes?: number;
  readonly seed?: number;
  /** Only the queries of one of several equal ranges. The edges of all shards, in their order, are those of the whole. */
  readonly shard?: Shard;
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

/** Options with all that they leave open. */
export interface JoinSettings extends Pick<JoinOptions, 'engine' | 'probes' | 'onProgress' | 'signal'> {
  readonly k: number;
  readonly threshold: number;
  readonly method: 'exact' | 'ivf';
  readonly recall: number;
  readonly partitions: number;
  readonly seed: number;
  readonly shard: Shard;
  readonly queryRows: number;
}

/** @throws CurationError when vectors do not fit together or an option is out of range */
export function joinSettings(queries: Vectors, database: Vectors, options: JoinOptions): JoinSettings {
  const { engine, k = 64, threshold = 0.6, method = 'auto', recall = 0.97, seed = 0, shard = { index: 0, of: 1 }, probes, onProgress, signal } = options;
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
  checkShard(shard);
  const { partitions = Math.min(rows, Math.round(PARTITIONS * Math.sqrt(rows))) } = options;
  require(whole(partitions, 1, rows), `partitions is ${partitions}; pass a whole number from 1 to the database's ${rows} rows`);
  require(probes === undefined || whole(probes, 1, partitions), `probes is ${probes}; pass a whole number from 1 to the ${partitions} partitions`);
  // Host and device hold a query, and so they do its list.
  const { queryRows = Math.max(1024, Math.floor(QUERY_BYTES / (8 * columns + 16 * (k + 1)))) } = options;
  require(whole(queryRows, 1, 2 ** 32), `queryRows is ${queryRows}; pass a whole number of at least 1`);
  const exact = method === 'exact' || (method === 'auto' && queries.rows * rows * columns <= AFFORDABLE);
  return {
    engine,
    k,
    // Lists hold float32: what equals the floor there must equal it here.
    threshold: Math.fround(threshold),
    method: exact ? 'exact' : 'ivf',
    recall,
    partitions,
    probes,
    seed,
    shard,
    queryRows,
    onProgress,
    signal,
  };
}
