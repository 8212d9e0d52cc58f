import { takeRows } from '@dinov2/primitives';
import * as tf from '@tensorflow/tfjs-core';

/**
 * Patch tokens at flat positions of a batch, the input of the patch head.
 *
 * @param patchTokens - (R, N, D)
 * @param indices - int32 (M), `row · N + patch`, all distinct: the gradient writes each row once.
 *   Padding up to a fixed M therefore points at further, unmasked patches, with weight 0 in the loss.
 * @returns (M, D)
 */
export function takePatches(patchTokens: tf.Tensor, indices: tf.Tensor): tf.Tensor2D {
  const [rows, patches, width] = patchTokens.shape;
  return tf.tidy(
    () => takeRows(tf.reshape(patchTokens, [rows * patches, width]), indices) as tf.Tensor2D,
  );
}
