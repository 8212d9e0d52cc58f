import { type DeviceArray, type Engine, jit } from '@dinov2/jit';
import { l2Normalize, mergeTopK, type TopK } from '@dinov2/primitives';
import * as tf from '@tensorflow/tfjs-core';
import { scaleRows } from '../features';
import { breathe } from './breathe';
import type { Neighbours, Searcher } from './neighbours';
import type { Tile } from './tiles';
import { TopRows } from './top-rows';

/** Queries and database rows of one product: their 4 MiB of similarities stay near the cores (bench/knn-vs-faiss.mjs). */
const BLOCK = 1024;
/** Longest list that is kept sorted by insertion; longer ones are collected and sorted on the host. */
const LONGEST_LIST = 1024;

interface Job {
  readonly engine: Engine;
  /** (queries, columns), of length 1. */
  readonly queries: Float32Array;
  readonly columns: number;
  readonly k: number;
  /** Rows of the database, where known. */
  readonly rows: number | undefined;
}

type Lists = { readonly [Name in keyof TopK]: DeviceArray };

/** A search by matrix products on an engine. The queries and their lists stay on the device. */
export function engineSearcher(job: Job): Searcher {
  const { engine, queries, columns, rows = BLOCK } = job;
  const count = queries.length / columns;
  // Blocks of one shape, the last one padded: one shape is compiled, and all similarities are summed in one order.
  const blocks = Math.ceil(count / BLOCK);
  const blockRows = Math.ceil(count / blocks);
  const padded = new Float32Array(blockRows * columns);
  const onDevice = Array.from({ length: blocks }, (_, i) => {
    const part = queries.subarray(i * blockRows * columns, (i + 1) * blockRows * columns);
    padded.set(part);
    return engine.put(padded.fill(0, part.length), [blockRows, columns], 'float32');
  });
  const tileRows = Math.min(BLOCK, rows);
  const merger = job.k <= LONGEST_LIST ? listMerger : hostMerger;
  const { add, finish, dispose } = merger(job, onDevice, { count, blockRows });
  const scaler = unitScaler(engine, tileRows, columns);
  return {
    tileRows,
    async add(tile) {
      const unit = await scaler.scale(tile);
      try {
        await add(unit, tile.start, tile.count);
      } finally {
        unit.dispose();
      }
    },
    finish,
    dispose() {
      for (const block of onDevice) block.dispose();
      scaler.dispose();
      dispose();
    },
  };
}

/** Brings tiles to the engine and scales their rows to length 1 there. */
function unitScaler(engine: Engine, rows: number, columns: number) {
  const scaled = jit((x: tf.Tensor) => ({ unit: l2Normalize(x), squares: tf.sum(tf.square(x), 1) }), { engine });
  return {
    async scale({ data, start, count }: Tile): Promise<DeviceArray> {
      const raw = engine.put(data, [rows, columns], 'float32');
      const { unit, squares } = await scaled(raw).finally(() => raw.dispose());
      const lengths = await squares.data();
      squares.dispose();
      if (lengths.subarray(0, count).every(Number.isFinite)) return unit;
      unit.dispose();
      // Either a row is not finite, which throws here, or its squares are beyond float32 and only those.
      const onHost = new Float32Array(rows * columns);
      scaleRows(data, onHost, { rows: count, columns, first: start, name: 'database' });
      return engine.put(onHost, [rows, columns], 'float32');
    },
    dispose: () => scaled.dispose(),
  };
}

interface Merger {
  add(tile: DeviceArray, start: number, count: number): Promise<void>;
  finish(): Promise<Neighbours>;
  dispose(): void;
}

interface Sizes {
  /** Queries without padding. */
  readonly count: number;
  readonly blockRows: number;
}

/** Product and merge in one step: the lists never leave the device. */
function listMerger({ engine, k }: Job, queries: readonly DeviceArray[], { count, blockRows }: Sizes): Merger {
  const step = jit(
    (block: tf.Tensor, tile: tf.Tensor, best: TopK, start: tf.Tensor, valid: tf.Tensor) =>
      mergeTopK(best, tf.matMul(block as tf.Tensor2D, tile as tf.Tensor2D, false, true), { start, count: valid }),
    { engine, donate: [2] },
  );
  const size = blockRows * k;
  const best: Lists[] = queries.map(() => ({
    values: engine.put(new Float32Array(size).fill(-Infinity), [blockRows, k], 'float32'),
    indices: engine.put(new Int32Array(size), [blockRows, k], 'int32'),
  }));
  const pause = breathe();
  return {
    async add(tile, start, valid) {
      const scalars = [start, valid].map((value) => engine.put(Int32Array.of(value), [], 'int32'));
      try {
        for (const [i, block] of queries.entries()) {
          best[i] = await step(block, tile, best[i]!, scalars[0]!, scalars[1]!);
          await pause();
        }
      } finally {
        for (const scalar of scalars) scalar.dispose();
      }
    },
    async finish() {
      const indices = new Int32Array(count * k);
      const similarities = new Float32Array(count * k);
      for (const [i, list] of best.entries()) {
        const length = Math.min(size, count * k - i * size);
        similarities.set(((await list.values.data()) as Float32Array).subarray(0, length), i * size);
        indices.set(((await list.indices.data()) as Int32Array).subarray(0, length), i * size);
      }
      return { indices, similarities, k };
    },
    dispose() {
      for (const { values, indices } of best) for (const array of [values, indices]) if (!array.isDisposed) array.dispose();
      step.dispose();
    },
  };
}

/** Products on the engine, lists on the host. */
function hostMerger({ engine, k, rows }: Job, queries: readonly DeviceArray[], { count, blockRows }: Sizes): Merger {
  const product = jit(
    (block: tf.Tensor, tile: tf.Tensor) => tf.matMul(block as tf.Tensor2D, tile as tf.Tensor2D, false, true),
    { engine },
  );
  const top = new TopRows(count, k, rows);
  const pause = breathe();
  return {
    async add(tile, start, valid) {
      const columns = tile.shape[0]!;
      for (const [i, block] of queries.entries()) {
        const scores = await product(block, tile);
        const values = await scores.data();
        scores.dispose();
        const queriesHere = Math.min(blockRows, count - i * blockRows);
        for (let query = 0; query < queriesHere; query++) {
          for (let row = 0; row < valid; row++) top.offer(i * blockRows + query, start + row, values[query * columns + row]!);
        }
        await pause();
      }
    },
    finish: async () => top.finish(),
    dispose: () => product.dispose(),
  };
}
