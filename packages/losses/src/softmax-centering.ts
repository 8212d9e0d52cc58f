import * as tf from '@tensorflow/tfjs-core';
import { LossError } from './error';

/** Options of {@link softmaxCentering}. */
export interface SoftmaxCenteringOptions {
  /** Share of the old centre that is kept; 0.9 by default. */
  readonly momentum?: number;
  /** 1 for rows that take part, 0 for padding, (n); padding gets probability 0. All rows by default. */
  readonly valid?: tf.Tensor;
}

/** Result of {@link softmaxCentering}. */
export type Centered = {
  /** (n, K) */
  readonly probabilities: tf.Tensor2D;
  /** (1, K), the centre for the next batch */
  readonly nextCentre: tf.Tensor2D;
};

/**
 * Teacher targets by centring and sharpening, `softmax((t − c) / τ)`, and the moving average of the
 * logits that is the next centre (Caron et al. 2021, section 3.1). A batch never sees its own mean.
 * With no valid row the centre stays as it is.
 *
 * Has no gradient: the centre's average is taken of values.
 *
 * @param logits - (n, K), finite, padding included
 * @param centre - (1, K); zeros at the start.
 * @param temperature - τ, a positive number or a scalar tensor.
 * @throws LossError when the shapes do not fit or the temperature is not positive.
 */
export function softmaxCentering(
  logits: tf.Tensor,
  centre: tf.Tensor,
  temperature: number | tf.Tensor,
  { momentum = 0.9, valid }: SoftmaxCenteringOptions = {},
): Centered {
  const [rowCount, K] = logits.shape;
  if (logits.rank !== 2 || centre.size !== K || (valid !== undefined && valid.size !== rowCount)) {
    throw new LossError(
      `logits (${logits.shape}), centre (${centre.shape})${valid === undefined ? '' : `, valid (${valid.shape})`}; ` +
        'pass (n, K), (1, K) and, for padding, (n)',
    );
  }
  if (typeof temperature === 'number' && !(temperature > 0)) {
    throw new LossError(`temperature ${temperature} is not positive; the teacher's is 0.04 to 0.07 as published`);
  }
  return tf.tidy(() => {
    const targets = tf.softmax(tf.div(tf.sub(logits, centre), temperature)) as tf.Tensor2D;
    if (valid === undefined) {
      const mean = tf.mean(logits, 0, true);
      return { probabilities: targets, nextCentre: average(centre, mean, momentum) };
    }
    const rows = tf.reshape(valid, [rowCount, 1]);
    const count = tf.sum(rows);
    const some = tf.minimum(count, 1); // 0 or 1
    const mean = tf.div(tf.sum(tf.mul(logits, rows), 0, true), tf.maximum(count, 1));
    const moved = average(centre, mean, momentum);
    const nextCentre = tf.add(centre, tf.mul(some, tf.sub(moved, centre))) as tf.Tensor2D;
    return { probabilities: tf.mul(targets, rows) as tf.Tensor2D, nextCentre };
  });
}

function average(centre: tf.Tensor, mean: tf.Tensor, momentum: number): tf.Tensor2D {
  return tf.add(tf.mul(centre, momentum), tf.mul(mean, 1 - momentum));
}
