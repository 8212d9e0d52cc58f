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
    for (let image = 0; image < batch; image++) {
      const one = tf.slice(z, [image, 0, 0, 0], [1, rows, columns, classes]);
      const large = tf.reshape(resampleBilinear(one, size, { window }), [pixels, classes]);
      const truth = tf.oneHot(tf.reshape(tf.slice(labels, [image, 0, 0], [1, window.height, window.width]), [pixels]), classes);
      const hot = tf.cast(truth, 'float32'); // rows of zeros where there is no label
      const labelled = tf.sum(hot, 1, true);
      const shifted = tf.sub(large, tf.max(large, 1, true));
      const exponentials = tf.exp(shifted);
      const total = tf.sum(exponentials, 1, true);
      // −log p of the true class: log Σ exp − its logit
      losses.push(tf.sub(tf.sum(tf.mul(tf.log(total), labelled)), tf.sum(tf.mul(shifted, hot))));
      counts.push(tf.sum(labelled));
      const slope = tf.sub(tf.mul(tf.div(exponentials, total), labelled), hot); // p − 1[true]
      const map = tf.reshape(slope, [1, window.height, window.width, classes]);
      gradients.push(spreadBilinear(map, [rows, columns], size, { window }));
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
