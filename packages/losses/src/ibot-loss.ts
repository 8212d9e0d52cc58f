import { distillationCrossEntropy } from '@dinov2/primitives';
import * as tf from '@tensorflow/tfjs-core';
import { LossError } from './error';

/** What {@link ibotLoss} compares; M masked patches, padding included. */
export interface IbotLossInputs {
  /** Student logits at masked patches, (M, K). */
  readonly student: tf.Tensor;
  /** Teacher probabilities of the same patches, seen unmasked, (M, K). */
  readonly teacher: tf.Tensor;
  /** 1 / (masked patches of the patch's image), (M); 0 for padding. */
  readonly weights: tf.Tensor;
  /** Global crops in the batch, those without a mask included. */
  readonly images: number;
}

/**
 * Cross-entropy of the student's masked patches against the teacher's visible ones, averaged over
 * the patches of each image and then over all images (Zhou et al. 2021, equation 2). Images without
 * a mask count in the divisor, as in DINOv2. Without a masked patch (M = 0) the loss is 0.
 *
 * The gradient flows to the student.
 *
 * @param temperature - of the student's softmax; 0.1 as published.
 * @returns a scalar.
 * @throws LossError when the row counts differ.
 */
export function ibotLoss(
  { student, teacher, weights, images }: IbotLossInputs,
  temperature = 0.1,
): tf.Scalar {
  const rows = student.shape[0];
  if (teacher.shape[0] !== rows || weights.size !== rows) {
    throw new LossError(
      `${rows} student rows, ${teacher.shape[0]} teacher rows and ${weights.size} weights; pass one of each per masked patch`,
    );
  }
  return tf.tidy(() => {
    if (rows === 0) return nothing(student) as tf.Scalar;
    const losses = distillationCrossEntropy(student, teacher, temperature); // (M)
    return tf.mul(tf.sum(tf.mul(losses, weights)), 1 / images);
  });
}

/** 0 with a gradient, since tfjs has none for a result that does not depend on x, and its wasm backend cannot sum no values. */
const nothing = tf.customGrad((x) => ({ value: tf.scalar(0), gradFunc: () => tf.zerosLike(x as tf.Tensor) }));
