import * as tf from '@tensorflow/tfjs-core';

const epsilon = 1e-5;
const momentum = 0.1;

/** Running averages of a batch norm, (C) each. */
export interface RunningStatistics<T = tf.Tensor> {
  readonly mean: T;
  readonly variance: T;
}

/**
 * The part of batch norm without parameters, by the statistics of the batch: (x − mean) / √(variance + 1e-5),
 * with the running averages moved by 0.1 towards the batch as PyTorch does (its variance divided by n − 1).
 *
 * Source: Ioffe and Szegedy 2015, arXiv 1502.03167.
 *
 * @param x - (..., C)
 */
export function standardize(x: tf.Tensor, running: RunningStatistics): { y: tf.Tensor; running: RunningStatistics } {
  const channels = x.shape[x.rank - 1]!;
  const rows = tf.reshape(x, [-1, channels]);
  const count = rows.shape[0]!;
  const mean = tf.mean(rows, 0);
  const centred = tf.sub(rows, mean);
  const variance = tf.mean(tf.square(centred), 0);
  const y = tf.reshape(tf.mul(centred, tf.rsqrt(tf.add(variance, epsilon))), x.shape);
  const towards = (old: tf.Tensor, seen: tf.Tensor) => tf.add(tf.mul(old, 1 - momentum), tf.mul(seen, momentum));
  return {
    y,
    running: {
      mean: towards(running.mean, mean),
      variance: towards(running.variance, tf.mul(variance, count / Math.max(1, count - 1))),
    },
  };
}

/** The same by running averages, for inference. */
export function standardizeBy(x: tf.Tensor, { mean, variance }: RunningStatistics): tf.Tensor {
  return tf.mul(tf.sub(x, mean), tf.rsqrt(tf.add(variance, epsilon)));
}
