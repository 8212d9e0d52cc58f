import * as tf from '@tensorflow/tfjs-core';
import { rectify } from '../dense/rectify';

/** Keeps the logarithm finite, in metres. */
const epsilon = 1e-3;

/** 1 where the depth is known and at most `maxDepth`, else 0. Carries no gradient. */
function validity(truth: tf.Tensor, maxDepth: number): tf.Tensor {
  return tf.cast(tf.logicalAnd(tf.greater(truth, 0), tf.lessEqual(truth, maxDepth)), 'float32');
}

/** ln(predicted + ε) − ln(truth + ε) where the truth is valid, 0 elsewhere. */
function logDifference(predicted: tf.Tensor, truth: tf.Tensor, valid: tf.Tensor): tf.Tensor {
  return tf.mul(tf.sub(tf.log(tf.add(predicted, epsilon)), tf.log(tf.add(truth, epsilon))), valid);
}

/**
 * Scale-invariant loss, `√(variance(g) + 0.15 mean(g)²)` with g the difference of the logarithms over all
 * valid pixels of the batch, the variance divided by n − 1 (Eigen et al. 2014 in the form of AdaBins).
 *
 * @param predicted - (B, H, W) metres
 * @param truth - (B, H, W) metres; 0 is unknown
 * @param spread - scalar factor of the variance: 0 during the warm-up of the released recipe, then 1
 */
export function sigLoss(predicted: tf.Tensor, truth: tf.Tensor, maxDepth: number, spread: tf.Tensor | number = 1): tf.Scalar {
  const valid = validity(truth, maxDepth);
  const g = logDifference(predicted, truth, valid);
  const count = tf.sum(valid);
  const mean = tf.div(tf.sum(g), tf.maximum(count, 1));
  const centred = tf.mul(tf.sub(g, mean), valid);
  const variance = tf.div(tf.sum(tf.square(centred)), tf.maximum(tf.sub(count, 1), 1));
  // A perfect prediction has slope 0 / 0 without the last term, which is far below any loss's rounding.
  return tf.sqrt(tf.add(tf.add(tf.mul(variance, spread), tf.mul(tf.square(mean), 0.15)), 1e-14));
}

/** Every `stride`-th row and column of x (B, H, W). */
function subsample(x: tf.Tensor, stride: number): tf.Tensor {
  const [batch, height, width] = x.shape as [number, number, number];
  const [rows, columns] = [Math.ceil(height / stride), Math.ceil(width / stride)];
  // Through a reshape, because tfjs has no gradient of a strided slice.
  const padded = tf.pad(x, [[0, 0], [0, rows * stride - height], [0, columns * stride - width]]);
  const cells = tf.reshape(padded, [batch, rows, stride, columns, stride]);
  return tf.reshape(tf.slice(cells, [0, 0, 0, 0, 0], [batch, rows, 1, columns, 1]), [batch, rows, columns]);
}

/** Σ |e[i] − e[i + 2]| along an axis over pairs that are both valid. */
function differences(e: tf.Tensor, valid: tf.Tensor, axis: 1 | 2): tf.Tensor {
  const length = e.shape[axis]! - 2;
  if (length < 1) return tf.scalar(0);
  const part = (x: tf.Tensor, from: number) => {
    const begin = [0, 0, 0];
    begin[axis] = from;
    return tf.slice(x, begin, x.shape.map((size, i) => (i === axis ? length : size)));
  };
  const difference = tf.sub(part(e, 0), part(e, 2));
  // |x| with slope 0 at 0; the slope of tf.abs is −1 there.
  const magnitude = tf.add(rectify(difference), rectify(tf.neg(difference)));
  return tf.sum(tf.mul(magnitude, tf.mul(part(valid, 0), part(valid, 2))));
}

/**
 * Differences of the log error between pixels two apart, down and across, on the full map and on every
 * second, fourth and sixth pixel of it, each divided by its number of valid pixels, summed.
 *
 * This is the intended loss. The released code slices the batch and channel axes of its (B, 1, H, W) input
 * instead of height and width, so with the released two pictures per device its value is 0.
 *
 * @param predicted - (B, H, W) metres
 * @param truth - (B, H, W) metres; 0 is unknown
 */
export function gradientLoss(predicted: tf.Tensor, truth: tf.Tensor, maxDepth: number): tf.Scalar {
  const valid = validity(truth, maxDepth);
  const e = logDifference(predicted, truth, valid);
  const scales = [1, 2, 4, 6].map((stride) => {
    const [error, mask] = stride === 1 ? [e, valid] : [subsample(e, stride), subsample(valid, stride)];
    const sum = tf.add(differences(error, mask, 1), differences(error, mask, 2));
    return tf.div(sum, tf.maximum(tf.sum(mask), 1));
  });
  return tf.addN(scales) as tf.Scalar;
}
