import { l2Normalize } from '@dinov2/primitives';
import * as tf from '@tensorflow/tfjs-core';

const epsilon = 1e-8;

/**
 * Kozachenko–Leonenko regulariser: minus the mean logarithm of the distance of each feature, on the
 * unit sphere, to its nearest neighbour in the batch (Sablayrolles et al. 2019; DINOv2, section 4).
 * Spreads the features of a batch.
 *
 * A batch of one has no neighbour: the loss and its gradient are 0. Duplicates give a large but
 * finite loss and gradient.
 *
 * @param x - (B, D), class tokens of one crop, so that views of one image are never neighbours.
 * @returns a scalar.
 */
export function koleoLoss(x: tf.Tensor): tf.Scalar {
  return tf.tidy(() => {
    // Zero through x, since tfjs has no gradient for a result that does not depend on x.
    if (x.shape[0] === 1) return tf.sum(tf.mul(x, 0));
    const unit = l2Normalize(x, epsilon) as tf.Tensor2D; // (B, D)
    const difference = tf.add(tf.sub(unit, nearestNeighbours(unit)), epsilon);
    const distance = tf.sqrt(tf.sum(tf.square(difference), 1)); // (B), never 0 for the epsilon
    return tf.neg(tf.mean(tf.log(tf.add(distance, epsilon))));
  });
}

/**
 * The row of largest dot product with each row, itself excluded. The choice has no gradient, the
 * chosen row has. A product with one-hot rows, because several rows may choose the same neighbour.
 */
const nearestNeighbours = tf.customGrad((...args) => {
  const [unit, save] = args as unknown as [tf.Tensor2D, tf.GradSaveFunc];
  const batch = unit.shape[0];
  const identity = tf.eye(batch);
  const others = tf.mul(tf.matMul(unit, unit, false, true), tf.sub(1, identity));
  // −2 on the diagonal: −1 would tie with the other one of an opposite pair, which a batch of two becomes.
  const nearest = tf.argMax(tf.sub(others, tf.mul(2, identity)), 1) as tf.Tensor1D;
  // Cast, because tfjs-backend-wasm 4.22 fills a float32 oneHot with the bits of integers.
  const choice = tf.cast(tf.oneHot(nearest, batch), 'float32') as tf.Tensor2D; // (B, B)
  save([choice]);
  return {
    value: tf.matMul(choice, unit),
    gradFunc: (dy: tf.Tensor, saved: tf.Tensor[]) => tf.matMul(saved[0], dy, true),
  };
});
