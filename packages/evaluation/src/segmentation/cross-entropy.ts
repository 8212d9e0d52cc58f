import * as tf from '@tensorflow/tfjs-core';
import { resampleBilinear, spreadBilinear } from '../dense/bilinear';
import type { Window } from '../dense/raster';

/** Where labels lie on the picture that the logits cover. */
export interface LabelPlace {
  /** [height, width] of that picture in pixels. */
  readonly size: readonly [number, number];
  /** The labelled part of it. */
  readonly window: Window;
}

/**
 * Cross-entropy of logits that are bilinearly enlarged to the labels, the mean over labelled pixels of the
 * batch. 0 where none is labelled.
 *
 * Its gradient is computed along with the value, image by image, so that only one image's enlarged logits
 * exist at a time; only the first derivative is available.
 *
 * @param logits - (B, rows, columns, classes)
 * @param labels - (B, H, W) int32; numbers that are no class, such as 255, do not count
 */
export function enlargedCrossEntropy(logits: tf.Tensor, labels: tf.Tensor, { size, window }: LabelPlace): tf.Scalar {
  const [batch, rows, columns, classes] = logits.shape as [number, number, number, number];
  const pixels = window.height * window.width;
  const compute = tf.customGrad((...args: (tf.Tensor | tf.GradSaveFunc)[]) => {
    const [z, save] = args as [tf.Tensor, tf.GradSaveFunc];
    const losses: tf.Tensor[] = [];
    const counts: tf.Tensor[] = [];
    const gradients: tf.Tensor[] = [];
    const numbers = tf.reshape(tf.range(0, classes, 1, 'int32'), [classes, 1]);
    for (let image = 0; image < batch; image++) {
      // Classes first: sums over them then run along the pixels.
      const one = tf.transpose(tf.slice(z, [image, 0, 0, 0], [1, rows, columns, classes]), [3, 1, 2, 0]);
      const large = tf.reshape(resampleBilinear(one, size, { window }), [classes, pixels]);
      const truth = tf.reshape(tf.slice(labels, [image, 0, 0], [1, window.height, window.width]), [1, pixels]);
      const hot = tf.cast(tf.equal(numbers, truth), 'float32'); // columns of zeros where there is no label
      const labelled = tf.sum(hot, 0, true);
      const shifted = tf.sub(large, tf.max(large, 0, true));
      const exponentials = tf.exp(shifted);
      const total = tf.sum(exponentials, 0, true);
      // −log p of the true class: log Σ exp − its logit
      losses.push(tf.sub(tf.sum(tf.mul(tf.log(total), labelled)), tf.sum(tf.mul(shifted, hot))));
      counts.push(tf.sum(labelled));
      const slope = tf.sub(tf.mul(exponentials, tf.div(labelled, total)), hot); // p − 1[true]
      const map = tf.reshape(slope, [classes, window.height, window.width, 1]);
      gradients.push(tf.transpose(spreadBilinear(map, [rows, columns], size, { window }), [3, 1, 2, 0]));
    }
    const count = tf.maximum(tf.addN(counts), 1);
    const gradient = tf.div(tf.concat(gradients, 0), count);
    save([gradient]);
    return {
      value: tf.div(tf.addN(losses), count),
      gradFunc: (dy: tf.Tensor, saved: tf.Tensor[]) => tf.mul(dy, saved[0]!),
    };
  });
  return compute(logits) as tf.Scalar;
}
