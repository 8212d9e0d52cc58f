import type { Random } from '@dinov2/primitives';
import type { Metric } from './metric';

/** Starts at most, and iterations of each. */
const STARTS = 20;
const ITERATIONS = 30;
/** Multiply-adds that finding the best start may cost: some tenths of a second. A distance costs some more than its columns. */
const BUDGET = 3e8;
const OVERHEAD = 8;

interface Points {
  /** (n, D), of length 1 by cosine. */
  readonly points: Float32Array;
  readonly weights: Float64Array;
  readonly columns: number;
  readonly clusters: number;
  readonly metric: Metric;
}

const costOfStart = (points: number, columns: number, clusters: number): number => ITERATIONS * points * (columns + OVERHEAD) * clusters;

/** Whether {@link bestStart} is cheap for so many points. */
export const affordsStarts = (points: number, columns: number, clusters: number): boolean => STARTS * costOfStart(points, columns, clusters) <= BUDGET;

/**
 * Centroids of few weighted points, as scikit-learn finds them: twenty times greedy k-means++ and Lloyd's iterations, of which
 * the least inertia counts. In plain float64.
 *
 * @returns (k, D)
 */
export function bestStart(problem: Points, random: Random): Float32Array {
  let best: { centroids: Float64Array; inertia: number } | undefined;
  for (let start = 0; start < STARTS; start++) {
    const found = lloyd(problem, greedyPlusPlus(problem, random));
    if (!best || found.inertia < best.inertia) best = found;
  }
  return Float32Array.from(best!.centroids);
}

/** Each pick is, of 2 + ⌊ln k⌋ drawn by squared distance, the one that leaves the least inertia. */
function greedyPlusPlus({ points, weights, columns, clusters }: Points, random: Random): Float64Array {
  const count = weights.length;
  const trials = 2 + Math.floor(Math.log(clusters));
  const centroids = new Float64Array(clusters * columns);
  let squares = new Float64Array(count).fill(Infinity);
  for (let cluster = 0; cluster < clusters; cluster++) {
    let best: { point: number; squares: Float64Array; inertia: number } | undefined;
    const mass = squares.map((square, i) => (cluster === 0 ? weights[i]! : weights[i]! * square));
    const total = mass.reduce((sum, value) => sum + value, 0);
    for (let trial = 0; trial < (cluster === 0 ? 1 : trials); trial++) {
      let left = random.uniform() * total;
      let point = 0;
      while (point < count - 1 && (left -= mass[point]!) >= 0) point++;
      let inertia = 0;
      const lowered = squares.map((square, i) => {
        const lower = Math.min(square, squaredDistance(points, i * columns, points, point * columns, columns));
        inertia += weights[i]! * lower;
        return lower;
      });
      if (!best || inertia < best.inertia) best = { point, squares: lowered, inertia };
    }
    squares = best!.squares as Float64Array<ArrayBuffer>;
    centroids.set(points.subarray(best!.point * columns, (best!.point + 1) * columns), cluster * columns);
  }
  return centroids;
}

function lloyd({ points, weights, columns, clusters, metric }: Points, centroids: Float64Array): { centroids: Float64Array; inertia: number } {
  const count = weights.length;
  let inertia = Infinity;
  for (let iteration = 0; iteration < ITERATIONS; iteration++) {
    const sums = new Float64Array(clusters * columns);
    const masses = new Float64Array(clusters);
    let now = 0;
    for (let point = 0; point < count; point++) {
      let nearest = 0;
      let least = Infinity;
      for (let cluster = 0; cluster < clusters; cluster++) {
        const square = squaredDistance(points, point * columns, centroids, cluster * columns, columns);
        if (square >= least) continue;
        least = square;
        nearest = cluster;
      }
      const weight = weights[point]!;
      now += weight * least;
      masses[nearest]! += weight;
      for (let i = 0; i < columns; i++) sums[nearest * columns + i]! += weight * points[point * columns + i]!;
    }
    if (now >= inertia) break;
    inertia = now;
    for (let cluster = 0; cluster < clusters; cluster++) {
      const from = cluster * columns;
      const sum = sums.subarray(from, from + columns);
      const divisor = metric === 'cosine' ? Math.hypot(...sum) : masses[cluster]!;
      if (divisor > 0) for (let i = 0; i < columns; i++) centroids[from + i] = sum[i]! / divisor;
    }
  }
  return { centroids, inertia };
}

function squaredDistance(a: ArrayLike<number>, startA: number, b: ArrayLike<number>, startB: number, columns: number): number {
  let square = 0;
  for (let i = 0; i < columns; i++) square += (a[startA + i]! - b[startB + i]!) ** 2;
  return square;
}
