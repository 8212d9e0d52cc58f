import type { Vectors } from '../vectors/vectors';
import type { ClusterSums } from './cluster-sums';
import { squaredLength } from './metric';
import type { NearestTile, RowRange } from './nearest-pass';
import { RowScores } from './row-scores';

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
  #products: RowScores | undefined;

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
    const scores = (this.#products ??= new RowScores(centroids.length / columns, columns, Math.min(blockRows, end - first), this.depth));
    scores.setTable(centroids);
    const { list, products } = scores;
    const places = new Uint8Array(this.depth);
    for (let block = first; block < end; block += blockRows) {
      signal?.throwIfAborted();
      const count = Math.min(blockRows, end - block);
      let rows: Float32Array | undefined;
      for (let i = 0; i < count; i++) {
        const row = block - first + i;
        const start = row * this.depth;
        const old = this.#places[row]!;
        const own = this.#centroids[start + old]!;
        const length = this.#lengths[row]!;
        const slack = ROUNDING * length * longest;
        const least = this.#scores[start + old]! - reach(own, length) - slack;
        let contested = 0;
        for (let place = 0; place < this.depth; place++) {
          const candidate = this.#centroids[start + place]!;
          if (place !== old && this.#scores[start + place]! + reach(candidate, length) + slack < least) continue;
          places[contested] = place;
          list[contested++] = candidate;
        }
        if (contested === 1) continue;

        if (!rows) scores.load((rows = await vectors.read(block, count)));
        scores.compare(i, contested);
        let [nearest, largest] = [-1, -Infinity];
        for (let at = 0; at < contested; at++) {
          const score = products[at]! - offsets[list[at]!]!;
          if (nearest >= 0 && (score < largest || (score === largest && list[at]! > list[nearest]!))) continue;
          nearest = at;
          largest = score;
        }
        if (list[nearest] === own) continue;
        this.#places[row] = places[nearest]!;
        sums.move(rows, i * columns, own, list[nearest]!);
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
