import type { Engine } from '@dinov2/jit';
import { createRandom } from '@dinov2/primitives';
import { CurationError } from '../error';
import { assign, type AssignProgress } from '../kmeans/assign';
import type { Clustering } from '../kmeans/clustering';
import { pick } from '../sampling/pick';
import type { Vectors } from '../vectors/vectors';

export interface ClusterRetrievalRule {
  /** A cluster counts when more query images than this are nearest to it; default 3. */
  readonly minQueries?: number;
  /** Pool images taken from each such cluster; default 10,000. */
  readonly perCluster?: number;
  /** Most images of the query set; default 1,000,000. */
  readonly cap?: number;
  /** Default 0. */
  readonly seed?: number;
}

export interface ClusterRetrievalOptions extends ClusterRetrievalRule {
  readonly engine: Engine;
  /** Clusters of all pool rows, where they are known from {@link assign}: then the pool is not read. */
  readonly poolClusters?: Uint32Array;
  readonly onProgress?: (progress: AssignProgress) => void;
  readonly signal?: AbortSignal;
}

/** What cluster-based retrieval found. */
export interface ClusterRetrieval {
  /** Rows of the pool, ascending, each once. */
  readonly rows: Uint32Array;
  /** Cluster of each of them. */
  readonly clusters: Uint32Array;
  /** Clusters with enough queries. */
  readonly qualifying: number;
  /** Rows taken from them, before the cap. */
  readonly retrieved: number;
  /** By how much those clusters hold fewer rows than were to be taken from them. */
  readonly shortfall: number;
}

/**
 * Cluster-based retrieval (Oquab et al. 2023, §3 and A.4), for query sets that are not large: images from every cluster of
 * the pool that more than `minQueries` query images belong to.
 *
 * The paper's counts are whole multiples of 10,000. Here a smaller cluster gives all it has, and `shortfall` says how
 * many are missing.
 *
 * @param clustering - of the pool, by {@link kmeans}; 100,000 clusters in the paper
 * @throws CurationError when the widths differ or an option is out of range
 */
export async function retrieveByCluster(
  queries: Vectors,
  pool: Vectors,
  clustering: Clustering,
  { poolClusters, engine, onProgress, signal, ...rule }: ClusterRetrievalOptions,
): Promise<ClusterRetrieval> {
  if (poolClusters && poolClusters.length !== pool.rows) {
    throw new CurationError(`poolClusters has ${poolClusters.length} clusters for the ${pool.rows} rows of the pool; pass those of all rows`);
  }
  const ofQueries = (await assign(queries, clustering, { engine, signal })).clusters;
  const ofPool = poolClusters ?? (await assign(pool, clustering, { engine, onProgress, signal })).clusters;
  return takeFromClusters(ofQueries, ofPool, rule);
}

/**
 * The rule of {@link retrieveByCluster}, where clusters are known.
 *
 * @param queryClusters - cluster of each query image
 * @param poolClusters - cluster of each pool image
 */
export function takeFromClusters(
  queryClusters: Uint32Array,
  poolClusters: Uint32Array,
  { minQueries = 3, perCluster = 10_000, cap = 1_000_000, seed = 0 }: ClusterRetrievalRule = {},
): ClusterRetrieval {
  for (const [name, value] of Object.entries({ minQueries, perCluster, cap })) {
    if (!Number.isSafeInteger(value) || value < 0) throw new CurationError(`${name} is ${value}; expected a whole number of at least 0`);
  }
  const queries = new Map<number, number>();
  for (const cluster of queryClusters) queries.set(cluster, (queries.get(cluster) ?? 0) + 1);
  const sizes = new Map([...queries].filter(([, count]) => count > minQueries).map(([cluster]) => [cluster, 0]));
  for (const cluster of poolClusters) {
    const size = sizes.get(cluster);
    if (size !== undefined) sizes.set(cluster, size + 1);
  }
  const members = new Map([...sizes].map(([cluster, size]) => [cluster, { rows: new Uint32Array(size), count: 0 }]));
  poolClusters.forEach((cluster, row) => {
    const own = members.get(cluster);
    if (own) own.rows[own.count++] = row;
  });

  const random = createRandom(seed).fork('retrieve by cluster');
  const taken = [...members].sort(([a], [b]) => a - b).map(([cluster, { rows }]) => pick(rows, perCluster, random.fork(cluster)));
  const retrieved = taken.reduce((sum, rows) => sum + rows.length, 0);
  const union = new Uint32Array(retrieved);
  let at = 0;
  for (const rows of taken) {
    union.set(rows, at);
    at += rows.length;
  }
  const rows = (retrieved > cap ? pick(union, cap, random.fork('cap')) : union).sort();
  return {
    rows,
    clusters: rows.map((row) => poolClusters[row]!),
    qualifying: members.size,
    retrieved,
    shortfall: members.size * perCluster - retrieved,
  };
}
