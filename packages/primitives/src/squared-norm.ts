import * as tf from '@tensorflow/tfjs-core';
import { definePrimitive } from './define';
import { float32, matchShapes, sizeOf } from './shapes';

const forward = /* @__PURE__ */ definePrimitive({
  name: 'SquaredNorm',
  inputs: ['x'],
  infer(inputs) {
    matchShapes('SquaredNorm', inputs, { x: ['...shape'] });
    return [float32()];
  },
  fallback: ({ x }) => [tf.sum(tf.square(x))],
  cost: ({ x }) => ({ flops: 2 * sizeOf(x.shape) }),
});

/**
 * Sum of squares of all elements, for gradient norms. Has no gradient.
 *
 * @param x - any shape
 * @returns scalar
 */
export function squaredNorm(x: tf.Tensor): tf.Scalar {
  return forward({ x })[0] as tf.Scalar;
}
