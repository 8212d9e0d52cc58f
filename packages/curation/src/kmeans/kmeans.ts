import type { Engine } from '@dinov2/jit';
import { createRandom } from '@dinov2/primitives';
import { CurationError } from '../error';
import { memoryVectors } from '../vectors/memory-vectors';
import type { Vectors } from '../vectors/vectors';
import { Candidates } from './candidates';
import { Checkpoint, type Position } from './checkpoint';
import { ClusterSums, quantumFor, type SumSpace } from './cluster-sums';
import type { Clustering } from './clustering';
import { comparable, type Metric, squaredLength } from './metric';
import { BLOCK_ROWS, nearestPass } from './nearest-pass';
import { NearestRows } from './nearest-rows';
import { MOST_TABLE_BYTES } from './row-scores';
import { sampleRows } from './row-hash';
import { seedCentroids } from './seed-centroids';
import { checkShard, type Shard, shardRange, SharedSums, waitFor } from './shards';
import { subset } from './subset';
import { updateCentroids } from './update-centroids';

export interface KmeansProgress {
  /** Looking for seeds, iterating over a sample, or over all rows. */
  readonly phase: 'seed' | 'sample' | 'all';
  /** Iterations done, over samples and over all rows. */
  readonly iteration: number;
  /** Rows compared with all centroids in this iteration; of seeds, with those of one round. */
  readonly rows: number;
  /** Rows of one iteration of this process. */
  readonly total: number;
  readonly rowsPerSecond: number;
  /** Until the iteration ends. */
  readonly secondsLeft: number;
  /** Of the last comparison of all these rows with all centroids. */
  readonly inertia?: number;
}

export interface KmeansOptions {
  /** k. */
  readonly clusters: number;
  /** Computes the products. */
  readonly engine: Engine;
  /** Default 0. */
  readonly seed?: number;
  /** Default cosine: spherical k-means. */
  readonly metric?: Metric;
  /**
   * Most comparisons of all rows with all centroids; default 50. With 256 clusters or more, each is followed by some
   * iterations in which a row chooses among the few centroids that were nearest to it.
   */
  readonly iterations?: number;
  /** Ends when the inertia has fallen by less than this share since the comparison before; default 1e-4. 0: when it no longer falls. */
  readonly tolerance?: number;
  /** (k, D) centroids to begin with, instead of seeds and samples. */
  readonly initial?: Float32Array;
  /** Folder that is written after every iteration, and from which an interrupted run goes on. */
  readonly checkpoint?: string;
  /**
   * Work on a share of the rows. All shards run at the same time, in one process each, with the same options and a
   * `checkpoint` folder that all can see; each returns the whole result.
   */
  readonly shard?: Shard;
  /** Rows read at once; no result depends on it. */
  readonly blockRows?: number;
  readonly onProgress?: (progress: KmeansProgress) => void;
  readonly signal?: AbortSignal;
}

/** Rows per cluster among which seeds are looked for, and the least number of them. */
const SEEDED = 8;
const LEAST_SEEDED = 8192;
/** Rows per cluster of the first sample, and the growth from each to the next. */
const FIRST_SAMPLE = 16;
const GROWTH = 3;
/** Fewer rows than these are not worth a sample. */
const LEAST_SAMPLED = 2 ** 15;
/** Rounds on one sample at most: what is left to gain there, the next one gains as well. */
const SAMPLE_ROUNDS = 2;
/** Nearest centroids of a row that iterations between two comparisons with all choose from, and how many such there are. */
const CANDIDATES = 8;
const REFINEMENTS = 10;
/** From so many clusters on, a product with all costs more than that. */
const LEAST_REFINED = 256;
/** Rows that tell where the data lie. */
const SURVEYED = 4096;

/**
 * k-means: k-means‖ seeds on a sample, Lloyd's iterations on samples that grow threefold, then on all rows.
 *
 * Vectors are read in blocks; in memory are the centroids, their float64 sums, and samples of up to 512 MiB. Sums are
 * exact (see {@link ClusterSums}): with one seed the result is the same to the bit for any `blockRows`, any number of
 * shards, and however often a run is interrupted and taken up again from its checkpoint, on one kind of processor.
 *
 * An empty cluster moves to the farthest row of the cluster with the largest inertia; clusters stay empty only if
 * there are fewer different rows than clusters.
 *
 * @throws CurationError when there are fewer rows than clusters, when a row is not finite or, by cosine, is all zeros, or
 * when the checkpoint folder holds another run
 * @example
 * ```ts
 * const vectors = await openNpy('embeddings.npy');
 * const { centroids, sizes } = await kmeans(vectors, { clusters: 1000, engine });
 * ```
 */
export async function kmeans(vectors: Vectors, options: KmeansOptions): Promise<Clustering> {
  const { clusters, engine, seed = 0, metric = 'cosine', iterations = 50, tolerance = 1e-4, initial, shard, signal } = options;
  const { rows, columns } = vectors;
  if (!Number.isInteger(clusters) || clusters < 1 || clusters > rows) {
    throw new CurationError(`clusters is ${clusters}; expected a whole number between 1 and the ${rows} rows`);
  }
  if (!Number.isInteger(iterations) || iterations < 1) throw new CurationError(`iterations is ${iterations}; expected a whole number of at least 1`);
  if (initial && initial.length !== clusters * columns) {
    throw new CurationError(`initial holds ${initial.length} numbers; ${clusters} centroids of ${columns} columns are ${clusters * columns}`);
  }
  if (shard) checkShard(shard);
  if (shard && options.checkpoint === undefined) throw new CurationError('shards meet in a checkpoint folder; pass one that all of them can see');

  const random = createRandom(seed).fork('kmeans');
  const sampleKey = random.fork('sample').bits();
  const survey = await surveyed(vectors, metric, sampleKey);
  const space: SumSpace = { clusters, columns, metric, ...survey };
  const all = comparable(vectors, metric, survey.origin);
  const stages = initial ? [rows] : stageSizes(rows, clusters);
  const open = async (stage: number): Promise<Vectors> =>
    stages[stage] === rows ? all : subset(all, sampleRows(rows, stages[stage]!, sampleKey));

  const key = JSON.stringify({ rows, columns, clusters, seed, metric, iterations, tolerance, initial: initial !== undefined });
  const checkpoint = options.checkpoint === undefined ? undefined : new Checkpoint(options.checkpoint, key);
  const leads = shard === undefined || shard.index === 0;
  const shared = shard && new SharedSums(checkpoint!.folder, shard);
  const nearest = new NearestRows(engine, columns, metric);
  const clock = new PassClock(options.onProgress);
  try {
    if (!leads) await waitFor(checkpoint!.path, signal);
    const saved = await checkpoint?.load();
    let position: Position = saved?.position ?? { iteration: 0, stage: 0, round: 0 };
    let view = await open(position.stage);
    let centroids = saved?.centroids;
    if (!centroids) {
      if (initial) centroids = await comparable(memoryVectors(initial, columns), metric, survey.origin).read(0, clusters);
      else {
        const size = Math.max(SEEDED * clusters, LEAST_SEEDED);
        const among = 2 * size <= view.rows ? await subset(all, sampleRows(rows, size, sampleKey)) : view;
        const onPass = (): void => clock.begin({ phase: 'seed', iteration: 0, total: among.rows });
        centroids = await seedCentroids(among, { ...options, nearest, random, onPass, onRows: (count) => clock.add(count), signal });
      }
      await checkpoint?.save(position, centroids, columns);
    }
    const finish = ({ iteration, result }: Position): Clustering => ({
      centroids: shifted(centroids!, survey.origin),
      columns,
      metric,
      sizes: Uint32Array.from(result!.sizes),
      inertia: result!.inertia,
      iterations: iteration,
    });
    const own = new ClusterSums(space);
    const blockRows = options.blockRows ?? BLOCK_ROWS;
    while (!position.result) {
      const { stage, round } = position;
      const first = position.iteration;
      const last = stage === stages.length - 1;
      const range = shardRange(shard ?? { index: 0, of: 1 }, view.rows);
      const refined = clusters >= LEAST_REFINED && 4 * clusters * columns <= MOST_TABLE_BYTES;
      const candidates = refined ? new Candidates(range, CANDIDATES) : undefined;
      const report = { phase: last ? 'all' : 'sample', total: range.end - range.first } as const;
      const onRows = (count: number): void => clock.add(count);
      const before = centroids;

      clock.begin({ ...report, iteration: first, inertia: position.inertia });
      own.clear();
      nearest.setCentroids(before);
      const depth = candidates?.depth ?? 1;
      for await (const tile of nearestPass(view, range, nearest, { depth, blockRows, signal })) {
        for (let i = 0; i < tile.count; i++) own.add(tile.data, i * columns, tile.first + i, before, tile.indices[i * depth]!);
        candidates?.set(tile);
        onRows(tile.count);
      }
      let sums = (await shared?.exchange(first, first, own, signal)) ?? own;

      const { inertia } = sums;
      const update = updateCentroids(sums, before);
      const fallen = position.inertia === undefined ? Infinity : position.inertia - inertia;
      const settled = fallen <= tolerance * inertia && update.moved.length === 0;
      const ends = settled || round + 1 >= (last ? iterations : SAMPLE_ROUNDS);
      if (last && ends) {
        position = { ...position, iteration: first + 1, result: { sizes: Array.from(sums.counts), inertia } };
      } else {
        centroids = update.centroids;
        if (update.moved.length > 0) {
          const moved = await view.gather(Uint32Array.from(update.moved, ({ row }) => row));
          for (const [i, { cluster }] of update.moved.entries()) centroids.set(moved.subarray(i * columns, (i + 1) * columns), cluster * columns);
        }
        let iteration = first + 1;
        for (; candidates && iteration <= first + REFINEMENTS; iteration++) {
          clock.begin({ ...report, iteration, inertia });
          await candidates.reassign(view, before, centroids, own, { blockRows, onRows, signal });
          sums = (await shared?.exchange(iteration, first, own, signal)) ?? own;
          centroids = updateCentroids(sums, centroids).centroids;
        }
        position = ends ? { iteration, stage: stage + 1, round: 0 } : { iteration, stage, round: round + 1, inertia };
        if (ends) view = await open(position.stage);
      }
      if (leads) await checkpoint?.save(position, centroids, columns);
    }
    return finish(position);
  } finally {
    nearest.dispose();
  }
}

/** Rows of the growing samples, the last of them all rows. */
function stageSizes(rows: number, clusters: number): number[] {
  const sizes: number[] = [];
  for (let size = Math.max(FIRST_SAMPLE * clusters, LEAST_SAMPLED); 2 * size <= rows; size *= GROWTH) sizes.push(size);
  return [...sizes, rows];
}

/** Where rows lie, by a sample, and the units in which their sums are exact. */
async function surveyed(vectors: Vectors, metric: Metric, key: number): Promise<Pick<SumSpace, 'quantum' | 'squareQuantum'> & { readonly origin: Float32Array }> {
  const { rows, columns } = vectors;
  const origin = new Float32Array(columns);
  // No number of a row of length 1 is beyond 1, no squared distance beyond 4.
  if (metric === 'cosine') return { origin, quantum: quantumFor(1, rows), squareQuantum: quantumFor(4, rows) };
  // `origin` is still all zeros: this reads the rows as they are, and refuses what is not finite.
  const sample = await comparable(vectors, metric, origin).gather(sampleRows(rows, Math.min(rows, SURVEYED), key));
  const count = sample.length / columns;
  for (let i = 0; i < columns; i++) {
    let sum = 0;
    for (let at = i; at < sample.length; at += columns) sum += sample[at]!;
    origin[i] = sum / count;
  }
  const centred = await comparable(memoryVectors(sample, columns), metric, origin).read(0, count);
  let largest = 0;
  let square = 0;
  for (const value of centred) largest = Math.max(largest, Math.abs(value));
  for (let row = 0; row < count; row++) square = Math.max(square, squaredLength(centred, row * columns, columns));
  // Rows beyond these bounds make sums inexact, not wrong, and only if a cluster is full of them.
  return { origin, quantum: quantumFor(16 * (largest || 1), rows), squareQuantum: quantumFor(64 * (square || 1), rows) };
}

function shifted(centroids: Float32Array, origin: Float32Array): Float32Array {
  return centroids.map((value, i) => value + origin[i % origin.length]!);
}

/** Tells how a pass goes on. */
class PassClock {
  readonly #report: KmeansOptions['onProgress'];
  #pass: Pick<KmeansProgress, 'phase' | 'iteration' | 'total' | 'inertia'> = { phase: 'seed', iteration: 0, total: 0 };
  #rows = 0;
  #start = 0;

  constructor(report: KmeansOptions['onProgress']) {
    this.#report = report;
  }

  begin(pass: Pick<KmeansProgress, 'phase' | 'iteration' | 'total' | 'inertia'>): void {
    this.#pass = pass;
    this.#rows = 0;
    this.#start = performance.now();
  }

  add(count: number): void {
    this.#rows += count;
    const { total } = this.#pass;
    const rowsPerSecond = (1000 * this.#rows) / Math.max(performance.now() - this.#start, 1);
    this.#report?.({ ...this.#pass, rows: this.#rows, rowsPerSecond, secondsLeft: Math.max(total - this.#rows, 0) / rowsPerSecond });
  }
}
