import type { Random } from '@dinov2/primitives';
import { squaredLength, squareOfScore } from './metric';
import { type NearestRows, TILE_ROWS } from './nearest-rows';

/** Picks that are compared with all points in one product. */
const BATCH = 128;

/**
 * Weighted k-means++ (Arthur and Vassilvitskii 2007): `clusters` of the points, each picked with probability
 * proportional to its weight times its squared distance to the nearest one picked before.
 *
 * Picks come in batches: drawn by the distances at the batch's start and then refused with the probability by which the
 * batch's earlier picks have lowered them, which is the same distribution.
 *
 * @param points - (n, D), of length 1 for cosine
 * @returns numbers of the picked points; fewer than asked for if there are no more different ones
 */
export async function plusPlus(
  points: Float32Array,
  weights: Float64Array,
  { clusters, columns, nearest, random, signal }: {
    readonly clusters: number;
    readonly columns: number;
    readonly nearest: NearestRows;
    readonly random: Random;
    readonly signal?: AbortSignal;
  },
): Promise<number[]> {
  const count = weights.length;
  const lengths = Float64Array.from(weights, (_, point) => squaredLength(points, point * columns, columns));
  const squares = new Float64Array(count);
  const totals = new Float64Array(count);
  const picked: number[] = [];

  const accumulate = (): number => {
    let total = 0;
    for (let i = 0; i < count; i++) {
      total += picked.length === 0 ? weights[i]! : weights[i]! * squares[i]!;
      totals[i] = total;
    }
    return total;
  };
  const lower = async (batch: readonly number[]): Promise<void> => {
    // One shape, whatever was refused.
    const centroids = new Float32Array(BATCH * columns);
    for (let i = 0; i < BATCH; i++) {
      const point = batch[Math.min(i, batch.length - 1)]!;
      centroids.set(points.subarray(point * columns, (point + 1) * columns), i * columns);
    }
    nearest.setCentroids(centroids);
    const tile = new Float32Array(TILE_ROWS * columns);
    for (let first = 0; first < count; first += TILE_ROWS) {
      signal?.throwIfAborted();
      const part = points.subarray(first * columns, (first + TILE_ROWS) * columns);
      tile.set(part);
      const { scores } = await nearest.find(tile.fill(0, part.length));
      for (let i = 0; i < part.length / columns; i++) {
        const square = squareOfScore(lengths[first + i]!, scores[i]!, nearest.metric);
        if (picked.length === 0 || square < squares[first + i]!) squares[first + i] = square;
      }
      await new Promise<void>((resolve) => setImmediate(resolve));
    }
    for (const point of batch) squares[point] = 0;
    picked.push(...batch);
  };

  const first = accumulate();
  await lower([placeIn(totals, random.uniform() * first)]);
  while (picked.length < clusters) {
    const total = accumulate();
    if (!(total > 0)) break;
    const batch: number[] = [];
    for (let draw = Math.min(BATCH, clusters - picked.length); draw > 0; draw--) {
      const point = placeIn(totals, random.uniform() * total);
      const before = squares[point]!;
      const threshold = random.uniform() * before;
      if (batch.every((other) => squaredDistance(points, point, other, columns) > threshold)) batch.push(point);
    }
    await lower(batch);
  }
  return picked;
}

/** The first place whose running total exceeds `value`. */
function placeIn(totals: Float64Array, value: number): number {
  let low = 0;
  let high = totals.length - 1;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (totals[middle]! > value) high = middle;
    else low = middle + 1;
  }
  return low;
}

function squaredDistance(rows: Float32Array, a: number, b: number, columns: number): number {
  let square = 0;
  for (let i = 0; i < columns; i++) square += (rows[a * columns + i]! - rows[b * columns + i]!) ** 2;
  return square;
}
