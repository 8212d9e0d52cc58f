import { setImmediate } from 'node:timers/promises';
import { type DeviceArray, type Engine, jit } from '@dinov2/jit';
import { linear, mergeTopK, takeRows, type TopK } from '@dinov2/primitives';
import * as tf from '@tensorflow/tfjs-core';

/** Rows of one product at most: its 4 MiB of scores stay near the cores. */
export const LARGEST_TILE = 1024;
/** Products have whole multiples of this many rows, so that few shapes are compiled and every sum has the same order. */
const STEP = 128;
/** Milliseconds of work between two chances for timers, signals and sockets. */
const SLICE = 50;

/** Height of tiles of a number of rows: as few as possible, and nearly equal. */
function tileRows(rows: number): number {
  const tiles = Math.ceil(rows / LARGEST_TILE);
  return Math.ceil(rows / tiles / STEP) * STEP;
}

interface TopListsOptions {
  readonly columns: number;
  readonly k: number;
  /** Only what is above it enters a list. */
  readonly floor: number;
  readonly signal?: AbortSignal;
}

/** What the queries found: the k highest above the floor, descending; after them values that equal it. */
export interface Lists {
  /** (queries, k): numbers of database rows. */
  readonly indices: Int32Array;
  /** (queries, k). */
  readonly similarities: Float32Array;
}

/**
 * Running lists of the k rows most similar to each query. A database row meets all queries or some of them, in tiles;
 * the queries and their lists stay on the device.
 *
 * The floor is the first value of every list, so that almost every score is rejected by one comparison.
 */
export class TopLists {
  readonly #step;
  #queries: DeviceArray | undefined;
  #best: { readonly values: DeviceArray; readonly indices: DeviceArray } | undefined;
  #sliceEnd = 0;

  constructor(
    private readonly engine: Engine,
    private readonly options: TopListsOptions,
  ) {
    this.#step = jit(
      (queries: tf.Tensor, rows: tf.Tensor, tile: tf.Tensor, best: TopK, start: tf.Tensor, count: tf.Tensor) => {
        const taken = takeRows(queries, tf.maximum(rows, tf.zerosLike(rows)));
        return mergeTopK(best, linear(taken, tile), { start, count, rows });
      },
      { engine, donate: [3] },
    );
  }

  /**
   * Begin with other queries.
   *
   * @param queries - (queries, columns), of length 1
   */
  begin(queries: Float32Array): void {
    const { columns, k, floor } = this.options;
    const count = queries.length / columns;
    this.#free();
    this.#queries = this.engine.put(queries, [count, columns], 'float32');
    this.#best = {
      values: this.engine.put(new Float32Array(count * k).fill(floor), [count, k], 'float32'),
      indices: this.engine.put(new Int32Array(count * k), [count, k], 'int32'),
    };
  }

  /**
   * Compare database rows with queries.
   *
   * @param rows - (count, columns), of length 1
   * @param start - number of the first of them
   * @param queries - numbers of the queries to compare with, each at most once
   */
  async add(rows: Float32Array, start: number, queries: Int32Array): Promise<void> {
    const { columns } = this.options;
    const total = rows.length / columns;
    if (total === 0 || queries.length === 0) return;
    const height = tileRows(total);
    const groups = this.#groups(queries);
    const padded = total % height === 0 ? undefined : new Float32Array(height * columns);
    try {
      for (let first = 0; first < total; first += height) {
        const count = Math.min(height, total - first);
        let part = rows.subarray(first * columns, (first + count) * columns);
        if (padded && count < height) {
          padded.fill(0, part.length).set(part);
          part = padded;
        }
        await this.#addTile(part, start + first, count, groups);
      }
    } finally {
      for (const group of groups) group.dispose();
    }
  }

  async finish(): Promise<Lists> {
    const { values, indices } = this.#best!;
    const lists = { similarities: (await values.data()) as Float32Array, indices: (await indices.data()) as Int32Array };
    this.#free();
    return lists;
  }

  dispose(): void {
    this.#free();
    this.#step.dispose();
  }

  async #addTile(data: Float32Array, start: number, count: number, groups: readonly DeviceArray[]): Promise<void> {
    const tile = this.engine.put(data, [data.length / this.options.columns, this.options.columns], 'float32');
    const scalars = [start, count].map((value) => this.engine.put(Int32Array.of(value), [], 'int32'));
    try {
      for (const group of groups) {
        this.#best = await this.#step(this.#queries!, group, tile, this.#best!, scalars[0]!, scalars[1]!);
        if (performance.now() > this.#sliceEnd) {
          await setImmediate();
          this.options.signal?.throwIfAborted();
          this.#sliceEnd = performance.now() + SLICE;
        }
      }
    } finally {
      for (const array of [tile, ...scalars]) array.dispose();
    }
  }

  /** The numbers in groups of nearly equal size, filled with −1. */
  #groups(queries: Int32Array): DeviceArray[] {
    const height = tileRows(queries.length);
    return Array.from({ length: Math.ceil(queries.length / height) }, (_, i) => {
      const group = new Int32Array(height).fill(-1);
      group.set(queries.subarray(i * height, (i + 1) * height));
      return this.engine.put(group, [height], 'int32');
    });
  }

  #free(): void {
    this.#queries?.dispose();
    this.#queries = undefined;
    for (const array of this.#best ? [this.#best.values, this.#best.indices] : []) if (!array.isDisposed) array.dispose();
    this.#best = undefined;
  }
}
