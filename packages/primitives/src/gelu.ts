import * as tf from '@tensorflow/tfjs-core';
import { definePrimitive } from './define';
import { differentiable } from './differentiable';
import { float32, matchShapes, sizeOf } from './shapes';

/** Standard normal distribution function Φ. */
const normalCdf = (x: tf.Tensor): tf.Tensor =>
  tf.mul(tf.add(tf.erf(tf.mul(x, Math.SQRT1_2)), 1), 0.5);

const forward = /* @__PURE__ */ definePrimitive({
  name: 'Gelu',
  inputs: ['x'],
  infer(inputs) {
    return [float32(...matchShapes('Gelu', inputs, { x: ['...shape'] })['...shape'])];
  },
  fallback({ x }) {
    return [tf.mul(x, normalCdf(x))];
  },
  // One transcendental function counts as ten.
  cost: ({ x }) => ({ flops: 14 * sizeOf(x.shape) }),
});

const backward = /* @__PURE__ */ definePrimitive({
  name: 'GeluGrad',
  inputs: ['x', 'dy'],
  infer(inputs) {
    const axes = matchShapes('GeluGrad', inputs, { x: ['...shape'], dy: ['...shape'] });
    return [float32(...axes['...shape'])];
  },
  fallback({ x, dy }) {
    const density = tf.mul(tf.exp(tf.mul(tf.square(x), -0.5)), 1 / Math.sqrt(2 * Math.PI));
    return [tf.mul(dy, tf.add(normalCdf(x), tf.mul(x, density)))];
  },
  cost: ({ x }) => ({ flops: 30 * sizeOf(x.shape) }),
});

/**
 * Gaussian error linear unit, `x Φ(x)`, in the exact form with erf
 * (Hendrycks & Gimpel 2016, arXiv 1606.08415).
 *
 * @param x - any shape
 * @returns the same shape
 */
export function gelu(x: tf.Tensor): tf.Tensor {
  return differentiable([x], (save) => {
    save([x]);
    return {
      value: forward({ x })[0],
      gradient: (dy, [x]) => backward({ x, dy }),
    };
  });
}
