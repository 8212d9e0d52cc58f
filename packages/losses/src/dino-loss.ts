import { distillationCrossEntropy } from '@dinov2/primitives';
import * as tf from '@tensorflow/tfjs-core';
import { LossError } from './error';

/** What {@link dinoLoss} compares. Rows are crop-major: all images of a crop, then of the next. */
export interface DinoLossInputs {
  /** Student logits of the two global crops, (2B, K). */
  readonly studentGlobal: tf.Tensor;
  /** Student logits of the local crops, (n·B, K); none by default. */
  readonly studentLocal?: tf.Tensor;
  /** Teacher probabilities of the two global crops in the same order, (2B, K). */
  readonly teacher: tf.Tensor;
}

/** The two parts of the loss, scalars; their sum is optimised. */
export type DinoLoss = {
  readonly global: tf.Scalar;
  readonly local: tf.Scalar;
};

/**
 * Cross-entropy of the student's class tokens against the teacher's view of another crop
 * (Caron et al. 2021, equation 3). Each global crop is matched with the other global crop, each
 * local crop with both; the 2 + 2n pairs weigh the same.
 *
 * The gradient flows to the student.
 *
 * @param temperature - of the student's softmax; 0.1 as published.
 * @throws LossError when the row counts do not fit.
 */
export function dinoLoss(
  { studentGlobal, studentLocal, teacher }: DinoLossInputs,
  temperature = 0.1,
): DinoLoss {
  const batch = teacher.shape[0] / 2;
  const localRows = studentLocal?.shape[0] ?? 0;
  if (!Number.isInteger(batch) || studentGlobal.shape[0] !== 2 * batch || localRows % batch !== 0) {
    throw new LossError(
      `${studentGlobal.shape[0]} global and ${localRows} local student rows for ${teacher.shape[0]} ` +
        'teacher rows; pass 2B, n·B and 2B',
    );
  }
  return tf.tidy(() => {
    // The reference counts at least one local pair, so the global weight without locals is 1/3.
    const pairs = 2 + Math.max((2 * localRows) / batch, 1);
    // A mean over the B images of a pair, then 1/pairs for each pair.
    const perPair = (rows: tf.Tensor): tf.Scalar => tf.mul(tf.sum(rows), 1 / (batch * pairs));

    const [first, second] = tf.split(teacher, 2, 0); // (B, K) each
    const swapped = tf.concat([second, first], 0);
    const global = perPair(distillationCrossEntropy(studentGlobal, swapped, temperature));
    if (studentLocal === undefined || localRows === 0) return { global, local: tf.scalar(0) };
    // −Σ (t₁ + t₂) log p is both pairs of a local crop in one pass over its logits.
    const both = tf.add(first, second);
    return { global, local: perPair(distillationCrossEntropy(studentLocal, both, temperature)) };
  });
}
