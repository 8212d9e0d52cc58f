import type { Vectors } from '../vectors/vectors';
import type { ClusterSums } from './cluster-sums';
import { squaredLength } from './metric';
import type { NearestTile, RowRange } from './nearest-pass';

/** Error of a float32 score, as a share of ‖x‖ ‖c‖: scores nearer than this are computed anew. */
const ROUNDING = 1e-5;

/**
 * The few nearest centroids of each row when it was last compared with all, for Lloyd's iterations that choose among
 * them. Centroids move little from one iteration to the next, so that those stay the nearest ones for a while.
 *
 * Eight bytes are kept per row and candidate.
 */
export class Candidates {
  readonly depth: number;
  readonly #range: RowRange;
  /** (rows, depth) */
  readonly #centroids: Uint32Array;
  /** (rows, depth) x·c, less ‖c‖²/2 by euclidean distance. */
  readonly #scores: Float32Array;
  /** (rows,) which of them is the row's now. */
  readonly #places: Uint8Array;
  /** (rows,) ‖x‖; 1 for all by cosine. */
  readonly #lengths: Float32Array;

  constructor(range: RowRange, depth: number) {
    const rows = range.end - range.first;
    this.depth = depth;
    this.#range = range;
    this.#centroids = new Uint32Array(rows * depth);
    this.#scores = new Float32Array(rows * depth);
    this.#places = new Uint8Array(rows);
    this.#lengths = new Float32Array(rows);
  }

  /** Note what a comparison with all centroids found. */
  set({ data, first, count, indices, scores }: NearestTile): void {
    const { depth } = this;
    const from = first - this.#range.first;
    const columns = data.length / count;
    this.#centroids.set(indices.subarray(0, count * depth), from * depth);
    this.#scores.set(scores.subarray(0, count * depth), from * depth);
    this.#places.fill(0, from, from + count);
    for (let i = 0; i < count; i++) this.#lengths[from + i] = Math.sqrt(squaredLength(data, i * columns, columns));
  }

  /**
   * Give each row to the nearest of its candidates, and move it in the sums. Rows are not looked at where no other
   * candidate can have become the nearest: by Cauchy–Schwarz, x·c changes by ‖x‖ times the centroid's way at most.
   *
   * @param vectors - as `comparable` gives them
   * @param before - centroids that the rows were compared with
   */
  async reassign(
    vectors: Vectors,
    before: Float32Array,
    centroids: Float32Array,
    sums: ClusterSums,
    { blockRows, onRows, signal }: { readonly blockRows: number; readonly onRows: (rows: number) => void; readonly signal?: AbortSignal },
  ): Promise<void> {
    const { columns } = vectors;
    const { first, end } = this.#range;
    const { ways, rises, offsets, longest } = changes(before, centroids, sums);
    const reach = (candidate: number, length: number): number => length * ways[candidate]! + rises[candidate]!;
    for (let block = first; block < end; block += blockRows) {
      signal?.throwIfAborted();
      const count = Math.min(blockRows, end - block);
      let rows: Float32Array | undefined;
      for (let i = 0; i < count; i++) {
        const row = block - first + i;
        const list = row * this.depth;
        const old = this.#places[row]!;
        const own = this.#centroids[list + old]!;
        const length = this.#lengths[row]!;
        const slack = ROUNDING * length * longest;
        const least = this.#scores[list + old]! - reach(own, length) - slack;
        let contested = false;
        for (let other = 0; other < this.depth && !contested; other++) {
          contested = other !== old && this.#scores[list + other]! + reach(this.#centroids[list + other]!, length) + slack >= least;
        }
        if (!contested) continue;

        rows ??= await vectors.read(block, count);
        const at = i * columns;
        let place = old;
        let nearest = own;
        let largest = dot(rows, at, centroids, own * columns, columns) - offsets[own]!;
        for (let other = 0; other < this.depth; other++) {
          const candidate = this.#centroids[list + other]!;
          if (other === old || this.#scores[list + other]! + reach(candidate, length) + slack < largest) continue;
          const score = dot(rows, at, centroids, candidate * columns, columns) - offsets[candidate]!;
          if (score < largest || (score === largest && candidate > nearest)) continue;
          place = other;
          nearest = candidate;
          largest = score;
        }
        if (place === old) continue;
        this.#places[row] = place;
        sums.move(rows, at, own, nearest);
      }
      onRows(count);
    }
  }
}

interface Changes {
  /** (k,) ‖c − c'‖. */
  readonly ways: Float64Array;
  /** (k,) by how much ‖c‖²/2 changed; 0 by cosine. */
  readonly rises: Float64Array;
  /** (k,) ‖c‖²/2 now; 0 by cosine. */
  readonly offsets: Float64Array;
  /** The largest ‖c‖ before. */
  readonly longest: number;
}

function changes(before: Float32Array, after: Float32Array, { space: { columns, metric } }: ClusterSums): Changes {
  const count = after.length / columns;
  const [ways, rises, offsets] = [new Float64Array(count), new Float64Array(count), new Float64Array(count)];
  let longest = 0;
  for (let c = 0; c < count; c++) {
    let square = 0;
    for (let i = c * columns; i < (c + 1) * columns; i++) square += (after[i]! - before[i]!) ** 2;
    ways[c] = Math.sqrt(square);
    const old = squaredLength(before, c * columns, columns);
    longest = Math.max(longest, Math.sqrt(old));
    if (metric === 'cosine') continue;
    offsets[c] = squaredLength(after, c * columns, columns) / 2;
    rises[c] = Math.abs(offsets[c]! - old / 2);
  }
  return { ways, rises, offsets, longest };
}

function dot(a: Float32Array, startA: number, b: Float32Array, startB: number, length: number): number {
  // Four running sums let the processor overlap the additions.
  let sum0 = 0;
  let sum1 = 0;
  let sum2 = 0;
  let sum3 = 0;
  let i = 0;
  for (; i + 3 < length; i += 4) {
    sum0 += a[startA + i]! * b[startB + i]!;
    sum1 += a[startA + i + 1]! * b[startB + i + 1]!;
    sum2 += a[startA + i + 2]! * b[startB + i + 2]!;
    sum3 += a[startA + i + 3]! * b[startB + i + 3]!;
  }
  for (; i < length; i++) sum0 += a[startA + i]! * b[startB + i]!;
  return sum0 + sum1 + (sum2 + sum3);
}
