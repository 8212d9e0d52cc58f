import * as tf from '@tensorflow/tfjs-core';
import { definePrimitive } from './define';
import { float32, matchShapes, sizeOf } from './shapes';

const update = /* @__PURE__ */ definePrimitive({
  name: 'Ema',
  inputs: ['target', 'source', 'momentum'],
  infer(inputs) {
    const axes = matchShapes('Ema', inputs, {
      target: ['...shape'],
      source: ['...shape'],
      momentum: [],
    });
    return [float32(...axes['...shape'])];
  },
  fallback({ target, source, momentum }) {
    return [tf.add(tf.mul(target, momentum), tf.mul(source, tf.sub(1, momentum)))];
  },
  cost: ({ target }) => ({ flops: 3 * sizeOf(target.shape) }),
});

/**
 * Exponential moving average, `momentum · target + (1 − momentum) · source`. Has no gradient.
 *
 * @param target - any shape
 * @param source - the same shape
 * @param momentum - scalar in [0, 1]
 * @throws PrimitiveError if the shapes differ
 */
export function ema(target: tf.Tensor, source: tf.Tensor, momentum: tf.Tensor | number): tf.Tensor {
  return tf.tidy(() => {
    const scalar = typeof momentum === 'number' ? tf.scalar(momentum) : momentum;
    return update({ target, source, momentum: scalar })[0];
  });
}
