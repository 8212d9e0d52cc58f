import { join } from 'node:path';
import type { Engine } from '@dinov2/jit';
import { createRandom, type Random } from '@dinov2/primitives';
import { CurationError } from '../error';
import { assign } from '../kmeans/assign';
import type { Clustering } from '../kmeans/clustering';
import { kmeans } from '../kmeans/kmeans';
import type { Metric } from '../kmeans/metric';
import { subset } from '../kmeans/subset';
import { memoryVectors } from '../vectors/memory-vectors';
import type { Vectors } from '../vectors/vectors';
import { groupMembers, type Hierarchy, type Level } from './hierarchy';
import { LevelFiles, type LevelState } from './level-files';

export interface HierarchyProgress {
  /** From 1, the finest. */
  readonly level: number;
  readonly levels: number;
  /** Rounds of resampling done on it, of `rounds`. */
  readonly round: number;
  readonly rounds: number;
  /** Clustering a sample or the level's points, or looking for the nearest centroid of all of them. */
  readonly phase: 'cluster' | 'assign';
  /** Points done and in all, of this phase; clustering goes over them more than once. */
  readonly rows: number;
  readonly total: number;
  readonly rowsPerSecond: number;
  readonly secondsLeft: number;
}

export interface HierarchyOptions {
  /** Clusters of each level, the finest first: [1000, 100, 10]. */
  readonly levels: readonly number[];
  readonly engine: Engine;
  /** Default 0. */
  readonly seed?: number;
  /** Default cosine. Vo et al. use euclidean distances of features as they come. */
  readonly metric?: Metric;
  /** Rounds of resampling-clustering after the first k-means, for all levels or each; default 10. */
  readonly resampling?: number | readonly number[];
  /** Members that represent a cluster in a resample, for all levels or each; default half the mean size of the level's clusters. */
  readonly sampleSize?: number | readonly number[];
  /** Which members: the nearest to the centroid (the default), or random ones. */
  readonly members?: 'nearest' | 'random';
  /** As of {@link kmeans}. */
  readonly iterations?: number;
  /** As of {@link kmeans}. */
  readonly tolerance?: number;
  /** Folder of the levels' files, level-1, level-2, …; an interrupted run goes on from it. */
  readonly folder?: string;
  readonly onProgress?: (progress: HierarchyProgress) => void;
  readonly signal?: AbortSignal;
}

/**
 * Clusters of clusters (Vo et al. 2024, arXiv 2405.15613, algorithm 1): k-means of the rows, then of its centroids, and so
 * on. In every level some rounds cluster a resample again, in which each cluster has few members and therefore about
 * the same weight, and assign all points of the level anew: that spreads centroids more evenly over the data than
 * their density.
 *
 * @throws CurationError when a level has more clusters than points, or the folder holds another run
 * @example
 * ```ts
 * const hierarchy = await hierarchicalKmeans(vectors, { levels: [1000, 100, 10], engine });
 * const rows = sampleBalanced(hierarchy, 10_000);
 * ```
 */
export async function hierarchicalKmeans(vectors: Vectors, options: HierarchyOptions): Promise<Hierarchy> {
  const { levels, seed = 0, metric = 'cosine', members = 'nearest', folder } = options;
  if (levels.length === 0) throw new CurationError('levels is empty; name the clusters of at least one level, as in [1000, 100, 10]');
  levels.forEach((clusters, i) => {
    const points = i === 0 ? vectors.rows : levels[i - 1]!;
    if (Number.isInteger(clusters) && clusters >= 1 && clusters <= points) return;
    throw new CurationError(`level ${i + 1} has ${clusters} clusters; expected a whole number between 1 and its ${points} points`);
  });
  const done: Level[] = [];
  let points = vectors;
  for (const [i, clusters] of levels.entries()) {
    const rounds = ofLevel(options.resampling ?? 10, i, levels);
    const sampleSize = ofLevel(options.sampleSize ?? Math.max(1, Math.floor(points.rows / clusters / 2)), i, levels);
    const { iterations, tolerance } = options;
    const key = JSON.stringify({ rows: vectors.rows, columns: vectors.columns, levels: levels.slice(0, i + 1), seed, metric, rounds, sampleSize, members, iterations, tolerance });
    const level = await clusterLevel(points, {
      ...options,
      metric,
      members,
      clusters,
      rounds,
      sampleSize,
      number: i + 1,
      random: createRandom(seed).fork('hierarchy').fork(i),
      files: folder === undefined ? undefined : new LevelFiles(join(folder, `level-${i + 1}`), key),
    });
    done.push(level);
    points = memoryVectors(level.centroids, vectors.columns);
  }
  return { rows: vectors.rows, columns: vectors.columns, metric, levels: done };
}

interface LevelJob extends Omit<HierarchyOptions, 'resampling' | 'folder'> {
  readonly metric: Metric;
  readonly clusters: number;
  readonly rounds: number;
  readonly sampleSize: number;
  readonly number: number;
  readonly random: Random;
  readonly files: LevelFiles | undefined;
}

async function clusterLevel(points: Vectors, job: LevelJob): Promise<Level> {
  const { engine, clusters, metric, rounds, sampleSize, random, files, iterations, tolerance, signal } = job;
  const { columns } = points;
  const report = (phase: HierarchyProgress['phase'], round: number) => (progress: Pick<HierarchyProgress, 'rows' | 'total' | 'rowsPerSecond' | 'secondsLeft'>) => {
    const { rows, total, rowsPerSecond, secondsLeft } = progress;
    job.onProgress?.({ level: job.number, levels: job.levels.length, round, rounds, phase, rows, total, rowsPerSecond, secondsLeft });
  };
  const cluster = async (vectors: Vectors, round: number): Promise<LevelState> => {
    const { centroids, inertia, iterations: done } = await kmeans(vectors, {
      clusters, engine, metric, iterations, tolerance, signal,
      checkpoint: files?.checkpoint(round),
      seed: random.fork(round).bits(),
      onProgress: report('cluster', round),
    });
    const state = { centroids, columns, round, inertia, iterations: done, complete: false };
    await files?.save(state);
    return state;
  };

  let state = await files?.load();
  if (state?.complete) return files!.loadMembers(state);
  state ??= await cluster(points, 0);
  for (;;) {
    const { centroids, round } = state;
    const clustering: Clustering = { centroids, columns, metric, sizes: new Uint32Array(clusters), inertia: 0, iterations: 0 };
    const assignment = await assign(points, clustering, { engine, signal, onProgress: report('assign', round) });
    const groups = groupMembers(assignment.clusters, assignment.similarity, clusters);
    const sample = round < rounds ? resample(groups, sampleSize, job.members === 'random' ? random.fork(`members ${round}`) : undefined) : undefined;
    // A resample with no more rows than clusters would only be its own centroids.
    if (!sample || sample.length <= clusters) {
      const inertia = assignment.similarity.reduce((sum, value) => sum + (metric === 'cosine' ? 2 - 2 * value : -value), 0);
      const level: Level = { centroids, ...assignment, ...groups, inertia, iterations: state.iterations };
      await files?.saveMembers(level);
      await files?.save({ ...state, inertia, complete: true });
      return level;
    }
    state = await cluster(await subset(points, sample), round + 1);
  }
}

/** Some members of every cluster, ascending by number. */
function resample({ offsets, members }: Pick<Level, 'offsets' | 'members'>, size: number, random: Random | undefined): Uint32Array {
  const taken: number[] = [];
  for (let cluster = 0; cluster + 1 < offsets.length; cluster++) {
    const own = members.subarray(offsets[cluster], offsets[cluster + 1]);
    if (!random || own.length <= size) for (const member of own.subarray(0, size)) taken.push(member);
    else for (const place of random.permutation(own.length).subarray(0, size)) taken.push(own[place]!);
  }
  return Uint32Array.from(taken).sort();
}

function ofLevel(value: number | readonly number[], level: number, levels: readonly number[]): number {
  const own = typeof value === 'number' ? value : value[level];
  if (own !== undefined && Number.isInteger(own) && own >= 0) return own;
  throw new CurationError(`resampling or sampleSize of level ${level + 1} is ${own}; pass a whole number, or a list of ${levels.length}`);
}
