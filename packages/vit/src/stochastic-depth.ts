import type { Random } from '@dinov2/primitives';
import type * as tf from '@tensorflow/tfjs-core';
import { VitError } from './error';

/**
 * Which rows of each group one block computes: a list per branch, one entry per group. An empty list
 * means that the branch computes every row.
 */
export interface BlockRows<T> {
  readonly attention: readonly T[];
  readonly ffn: readonly T[];
}

/** Row indices on the host, int32. */
export interface HostRows {
  readonly data: Int32Array;
  readonly shape: readonly [number];
}

/** Kept rows for all blocks as tensors, the input of {@link forwardPacked}. */
export type DropPathRows = readonly BlockRows<tf.Tensor>[];

/** Rows that a branch computes out of `batch` at a drop rate: `max(int(batch * (1 - rate)), 1)`. */
export function keptRows(batch: number, rate: number): number {
  return Math.max(Math.trunc(batch * (1 - rate)), 1);
}

/**
 * Draw the rows that each block computes in one step of batch-subset stochastic depth. A row that is
 * not drawn skips the branch and costs nothing; the drawn ones are scaled by batch/kept. Each block,
 * branch and group draws its own subset, without replacement.
 *
 * @param groupBatchSizes - rows of each group of the packed forward, e.g. `[2 * B, 8 * B]`.
 * @param rate - one rate for all blocks (`drop_path_uniform`), or one per block.
 * @returns int32 arrays, in increasing order; feed them to {@link forwardPacked} as tensors.
 * @throws VitError when a rate is not in [0, 1) or there is not one per block.
 */
export function sampleDropPathRows(
  random: Random,
  groupBatchSizes: readonly number[],
  rate: number | readonly number[],
  depth: number,
): BlockRows<HostRows>[] {
  const rates = typeof rate === 'number' ? new Array<number>(depth).fill(rate) : rate;
  if (rates.length !== depth) {
    throw new VitError(`${rates.length} drop rates for ${depth} blocks; pass one number or one per block`);
  }
  const wrong = rates.find((value) => !(value >= 0 && value < 1));
  if (wrong !== undefined) {
    throw new VitError(`drop rate ${wrong} is outside [0, 1)`);
  }
  return rates.map((value) => {
    const branch = (): HostRows[] =>
      value === 0
        ? []
        : groupBatchSizes.map((batch) => {
            const data = random.permutation(batch).slice(0, keptRows(batch, value)).sort();
            return { data, shape: [data.length] };
          });
    return { attention: branch(), ffn: branch() };
  });
}
