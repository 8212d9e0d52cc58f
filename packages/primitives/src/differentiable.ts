import * as tf from '@tensorflow/tfjs-core';

export interface WithGradient {
  readonly value: tf.Tensor;
  /** Gradients for the inputs in order, from the output's gradient and the saved tensors in order. */
  gradient(dy: tf.Tensor, saved: tf.Tensor[]): tf.Tensor[];
}

/**
 * Apply a function that brings its own gradient to tensors of any shape.
 *
 * `forward` runs without a tape; what its gradient needs it hands to `save`, inputs included. Integer
 * inputs (row indices) have no gradient: `forward` closes over them and saves them.
 */
export function differentiable(
  inputs: readonly tf.Tensor[],
  forward: (save: (tensors: tf.Tensor[]) => void) => WithGradient,
): tf.Tensor {
  return tf.customGrad((...args: Array<tf.Tensor | tf.GradSaveFunc>) => {
    const { value, gradient } = forward(args[args.length - 1] as tf.GradSaveFunc);
    return { value, gradFunc: gradient };
  })(...inputs);
}

/** View x (..., D) as rows (R, D). */
export function asRows(x: tf.Tensor): tf.Tensor2D {
  const last = x.shape[x.rank - 1];
  return tf.reshape(x, [x.size / last, last]);
}

/** x's shape with another last axis. */
export const withLast = (shape: readonly number[], last: number): number[] => [
  ...shape.slice(0, -1),
  last,
];
