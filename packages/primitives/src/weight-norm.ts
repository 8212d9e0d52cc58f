import * as tf from '@tensorflow/tfjs-core';
import { definePrimitive, type TensorSpec } from './define';
import { differentiable } from './differentiable';
import { PrimitiveError } from './error';
import { float32, matchShapes, sizeOf } from './shapes';

const shape = { v: ['K', 'd'], g: ['K', '1'] } as const;

function check(
  primitive: string,
  inputs: Readonly<Record<string, TensorSpec>>,
): [K: number, d: number] {
  const axes = matchShapes(primitive, inputs, shape);
  if (axes['1'] !== 1) {
    throw new PrimitiveError(
      `${primitive}: input 'g' has shape [${inputs.g.shape.join(', ')}]; expected [${axes.K}, 1].`,
    );
  }
  return [axes.K, axes.d];
}

const inverseNorm = (v: tf.Tensor): tf.Tensor => tf.rsqrt(tf.sum(tf.square(v), 1, true)); // (K, 1)

const forward = /* @__PURE__ */ definePrimitive({
  name: 'WeightNorm',
  inputs: ['v', 'g'],
  infer: (inputs) => [float32(...check('WeightNorm', inputs))],
  fallback({ v, g }) {
    return [tf.mul(v, tf.mul(g, inverseNorm(v)))];
  },
  cost: ({ v }) => ({ flops: 3 * sizeOf(v.shape) }),
});

const backward = /* @__PURE__ */ definePrimitive({
  name: 'WeightNormGrad',
  inputs: ['v', 'g', 'dw'],
  infer(inputs) {
    const [K, d] = check('WeightNormGrad', inputs);
    matchShapes('WeightNormGrad', inputs, { v: ['K', 'd'], dw: ['K', 'd'] });
    return [float32(K, d), float32(K, 1)];
  },
  fallback({ v, g, dw }) {
    const inverse = inverseNorm(v);
    const direction = tf.mul(v, inverse);
    const dg = tf.sum(tf.mul(dw, direction), 1, true); // (K, 1)
    // The part of dw along v changes only the length, which g holds.
    const dv = tf.mul(tf.sub(dw, tf.mul(direction, dg)), tf.mul(g, inverse));
    return [dv, dg];
  },
  cost: ({ v }) => ({ flops: 8 * sizeOf(v.shape) }),
});

/**
 * Weight normalisation per row, `w = g v / ‖v‖₂` (Salimans & Kingma 2016, arXiv 1602.07868).
 *
 * @param v - directions (K, d); a zero row gives NaN
 * @param g - lengths (K, 1)
 * @returns (K, d)
 * @throws PrimitiveError if the shapes do not fit
 */
export function weightNorm(v: tf.Tensor, g: tf.Tensor): tf.Tensor {
  return differentiable([v, g], (save) => {
    save([v, g]);
    return {
      value: forward({ v, g })[0],
      gradient: (dw, [v, g]) => backward({ v, g, dw }),
    };
  });
}
