import { type DeviceArray, type Engine, jit } from '@dinov2/jit';
import { linear, mergeTopK, type TopK } from '@dinov2/primitives';
import type * as tf from '@tensorflow/tfjs-core';
import type { Metric } from './metric';

/**
 * Rows of one product. Always this many, the last ones zeros: one shape is compiled, and a row meets the same
 * arithmetic wherever it stands, so that blocks and shards cannot change what is nearest.
 */
export const TILE_ROWS = 1024;
/** Rows of the other side of one product: its 4 MiB of scores stay near the cores. */
const LARGEST_TILE = 1024;

interface Tile {
  readonly rows: DeviceArray;
  /** −‖c‖² / 2, for euclidean distances. */
  readonly bias: DeviceArray | undefined;
  readonly start: number;
  readonly count: number;
}

type Lists = { readonly [Name in keyof TopK]: DeviceArray };

/**
 * Finds the nearest of `k` rows (centroids) for many rows, as argmax(X Cᵀ) in tiles; the (N, k) scores never exist.
 *
 * Of equally near centroids the one with the smallest number counts. By cosine, centroids have length 1. By
 * euclidean distance, ‖x − c‖² = ‖x‖² − 2 (x·c − ‖c‖²/2), which loses digits where rows are long and distances short.
 */
export class NearestRows {
  readonly #engine: Engine;
  readonly #columns: number;
  readonly metric: Metric;
  readonly #step;
  #tiles: Tile[] = [];
  readonly #lists = new Map<number, Lists>();

  constructor(engine: Engine, columns: number, metric: Metric) {
    this.#engine = engine;
    this.#columns = columns;
    this.metric = metric;
    this.#step = jit(
      (x: tf.Tensor, { rows, bias }: { rows: tf.Tensor; bias?: tf.Tensor }, best: TopK, start: tf.Tensor, count: tf.Tensor) =>
        mergeTopK(best, linear(x, rows, bias), { start, count }),
      { engine },
    );
  }

  /** The rows to choose from, (k, D); they are copied. */
  setCentroids(centroids: Float32Array): void {
    this.#disposeTiles();
    const columns = this.#columns;
    const total = centroids.length / columns;
    const height = Math.min(LARGEST_TILE, Math.ceil(total / 16) * 16);
    for (let start = 0; start < total; start += height) {
      const count = Math.min(height, total - start);
      const part = new Float32Array(height * columns);
      part.set(centroids.subarray(start * columns, (start + count) * columns));
      this.#tiles.push({
        rows: this.#engine.put(part, [height, columns], 'float32'),
        bias: this.metric === 'euclidean' ? this.#engine.put(halfSquares(part, columns), [height], 'float32') : undefined,
        start,
        count,
      });
    }
  }

  /**
   * Numbers of the `depth` nearest centroids of each row, nearest first, and their scores: x·c, less ‖c‖²/2 by euclidean
   * distance. (rows, depth)
   *
   * @param tile - ({@link TILE_ROWS}, D)
   * @param depth - at most as many as there are centroids
   */
  async find(tile: Float32Array, depth = 1): Promise<{ readonly indices: Int32Array; readonly scores: Float32Array }> {
    const x = this.#engine.put(tile, [TILE_ROWS, this.#columns], 'float32');
    const empty = this.#emptyLists(depth);
    let best = empty;
    try {
      for (const { rows, bias, start, count } of this.#tiles) {
        const [first, valid] = [start, count].map((value) => this.#engine.put(Int32Array.of(value), [], 'int32'));
        const previous = best;
        try {
          best = await this.#step(x, bias ? { rows, bias } : { rows }, previous, first!, valid!);
        } finally {
          for (const array of [first!, valid!, ...(previous === empty ? [] : [previous.values, previous.indices])]) array.dispose();
        }
      }
      return { indices: (await best.indices.data()) as Int32Array, scores: (await best.values.data()) as Float32Array };
    } finally {
      x.dispose();
      if (best !== empty) for (const array of [best.values, best.indices]) array.dispose();
    }
  }

  dispose(): void {
    this.#disposeTiles();
    for (const { values, indices } of this.#lists.values()) {
      values.dispose();
      indices.dispose();
    }
    this.#step.dispose();
  }

  /** Lists that anything improves; they serve every tile. */
  #emptyLists(depth: number): Lists {
    let lists = this.#lists.get(depth);
    if (lists) return lists;
    lists = {
      values: this.#engine.put(new Float32Array(TILE_ROWS * depth).fill(-Infinity), [TILE_ROWS, depth], 'float32'),
      indices: this.#engine.put(new Int32Array(TILE_ROWS * depth), [TILE_ROWS, depth], 'int32'),
    };
    this.#lists.set(depth, lists);
    return lists;
  }

  #disposeTiles(): void {
    for (const { rows, bias } of this.#tiles) {
      rows.dispose();
      bias?.dispose();
    }
    this.#tiles = [];
  }
}

function halfSquares(rows: Float32Array, columns: number): Float32Array {
  return Float32Array.from({ length: rows.length / columns }, (_, row) => {
    let square = 0;
    for (let i = row * columns; i < (row + 1) * columns; i++) square += rows[i]! * rows[i]!;
    return -square / 2;
  });
}
