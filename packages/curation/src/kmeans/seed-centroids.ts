import type { Random } from '@dinov2/primitives';
import type { Vectors } from '../vectors/vectors';
import { affordsStarts, bestStart } from './best-start';
import { squaredLength, squareOfScore } from './metric';
import { nearestPass } from './nearest-pass';
import type { NearestRows } from './nearest-rows';
import { plusPlus } from './plus-plus';
import { rowHash } from './row-hash';

const ROUNDS = 5;
/** Rows drawn in a round: half as many as clusters do (Bahmani et al. 2012, figure 5.2); where it is cheap, twice as many. */
const drawnRows = (clusters: number): number => Math.max(clusters / 2, Math.min(2 * clusters, 256));
/** Rounds until there are as many candidates as clusters. */
const MOST_ROUNDS = 20;

export interface SeedOptions {
  readonly clusters: number;
  readonly nearest: NearestRows;
  readonly random: Random;
  readonly blockRows?: number;
  /** The rows are gone over once more. */
  readonly onPass?: () => void;
  readonly onRows?: (rows: number) => void;
  readonly signal?: AbortSignal;
}

/**
 * k-means‖ (Bahmani et al. 2012): some rounds draw rows with probability proportional to their squared distance to the
 * nearest one drawn before, all at once; of those, weighted by the rows they are nearest to, k-means++ picks the centroids.
 * Where rows or candidates are few, the best of several starts on them is taken.
 *
 * @param vectors - as `comparable` gives them; at least as many rows as clusters
 * @returns (k, D)
 */
export async function seedCentroids(
  vectors: Vectors,
  { clusters, nearest, random, blockRows, onPass, onRows, signal }: SeedOptions,
): Promise<Float32Array> {
  const { rows, columns } = vectors;
  if (affordsStarts(rows, columns, clusters)) {
    const points = await vectors.read(0, rows);
    return bestStart({ points, weights: new Float64Array(rows).fill(1), columns, clusters, metric: nearest.metric }, random.fork('starts'));
  }
  const squares = new Float64Array(rows).fill(Infinity);
  const candidateOf = new Uint32Array(rows);
  const candidates: number[] = [];

  const add = async (drawn: number[]): Promise<void> => {
    onPass?.();
    nearest.setCentroids(await vectors.gather(Uint32Array.from(drawn)));
    for await (const { data, first, count, indices, scores } of nearestPass(vectors, { first: 0, end: rows }, nearest, { blockRows, signal })) {
      for (let i = 0; i < count; i++) {
        const square = squareOfScore(squaredLength(data, i * columns, columns), scores[i]!, nearest.metric);
        if (square >= squares[first + i]!) continue;
        squares[first + i] = square;
        candidateOf[first + i] = candidates.length + indices[i]!;
      }
      onRows?.(count);
    }
    for (const row of drawn) squares[row] = 0;
    candidates.push(...drawn);
  };

  await add([random.fork('first').integer(rows)]);
  for (let round = 0; round < (candidates.length < clusters ? MOST_ROUNDS : ROUNDS); round++) {
    const total = squares.reduce((sum, square) => sum + square, 0);
    if (total === 0) break;
    const key = random.fork(`round ${round}`).bits();
    const share = drawnRows(clusters) / total;
    const drawn: number[] = [];
    for (let row = 0; row < rows; row++) if (rowHash(key, row) < share * squares[row]!) drawn.push(row);
    if (drawn.length > 0) await add(drawn);
  }
  const weights = new Float64Array(candidates.length);
  for (const candidate of candidateOf) weights[candidate]!++;
  const points = await vectors.gather(Uint32Array.from(candidates));
  if (affordsStarts(candidates.length, columns, clusters)) {
    return bestStart({ points, weights, columns, clusters, metric: nearest.metric }, random.fork('starts'));
  }
  const picked = await plusPlus(points, weights, { clusters, columns, nearest, random: random.fork('candidates'), signal });
  const seeds = new Uint32Array(clusters);
  picked.forEach((candidate, i) => (seeds[i] = candidates[candidate]!));
  // Where there are fewer different rows than clusters, any row will do: its cluster stays empty.
  const spare = random.fork('spare');
  for (let i = picked.length; i < clusters; i++) seeds[i] = spare.integer(rows);
  return vectors.gather(seeds);
}
