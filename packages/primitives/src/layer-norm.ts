import * as tf from '@tensorflow/tfjs-core';
import { definePrimitive } from './define';
import { asRows, differentiable } from './differentiable';
import { float32, matchShapes, numberAttribute } from './shapes';

const shape = { x: ['R', 'D'], gamma: ['D'], beta: ['D'] } as const;
const gradientShape = { x: ['R', 'D'], gamma: ['D'], dy: ['R', 'D'] } as const;

/** Normalised rows and 1/σ. The variance is taken around the mean: E[x²] − E[x]² cancels in float32. */
function normalize(x: tf.Tensor, epsilon: number): { xhat: tf.Tensor; rstd: tf.Tensor } {
  const centered = tf.sub(x, tf.mean(x, 1, true));
  const rstd = tf.rsqrt(tf.add(tf.mean(tf.square(centered), 1, true), epsilon)); // (R, 1)
  return { xhat: tf.mul(centered, rstd), rstd };
}

const forward = /* @__PURE__ */ definePrimitive({
  name: 'LayerNorm',
  inputs: ['x', 'gamma', 'beta'],
  infer(inputs, attributes) {
    const { R, D } = matchShapes('LayerNorm', inputs, shape);
    numberAttribute('LayerNorm', attributes, 'epsilon');
    return [float32(R, D)];
  },
  fallback({ x, gamma, beta }, { epsilon }) {
    const { xhat } = normalize(x, epsilon as number);
    return [tf.add(tf.mul(xhat, gamma), beta)];
  },
  cost(inputs) {
    const { R, D } = matchShapes('LayerNorm', inputs, shape);
    return { flops: 8 * R * D };
  },
});

const backward = /* @__PURE__ */ definePrimitive({
  name: 'LayerNormGrad',
  inputs: ['x', 'gamma', 'dy'],
  infer(inputs, attributes) {
    const { R, D } = matchShapes('LayerNormGrad', inputs, gradientShape);
    numberAttribute('LayerNormGrad', attributes, 'epsilon');
    return [float32(R, D), float32(D), float32(D)];
  },
  fallback({ x, gamma, dy }, { epsilon }) {
    const { xhat, rstd } = normalize(x, epsilon as number);
    // dx = (g − mean(g) − x̂ mean(g x̂)) / σ with g = γ dy
    const g = tf.mul(dy, gamma);
    const along = tf.mul(xhat, tf.mean(tf.mul(g, xhat), 1, true));
    const dx = tf.mul(tf.sub(tf.sub(g, tf.mean(g, 1, true)), along), rstd);
    return [dx, tf.sum(tf.mul(dy, xhat), 0), tf.sum(dy, 0)];
  },
  cost(inputs) {
    const { R, D } = matchShapes('LayerNormGrad', inputs, gradientShape);
    return { flops: 17 * R * D };
  },
});

/**
 * Layer normalisation over the last axis, `y = γ (x − mean) / √(var + ε) + β`, with the biased variance
 * (Ba et al. 2016, arXiv 1607.06450).
 *
 * @param x - (..., D)
 * @param gamma - (D)
 * @param beta - (D)
 * @param epsilon - added to the variance; DINOv2 uses 1e-6
 * @returns (..., D)
 * @throws PrimitiveError if the shapes do not fit
 */
export function layerNorm(
  x: tf.Tensor,
  gamma: tf.Tensor,
  beta: tf.Tensor,
  epsilon = 1e-6,
): tf.Tensor {
  return differentiable([x, gamma, beta], (save) => {
    const rows = asRows(x);
    save([rows, gamma]);
    const [y] = forward({ x: rows, gamma, beta }, { epsilon });
    return {
      value: tf.reshape(y, x.shape),
      gradient(dy, [rows, gamma]) {
        const [dx, dgamma, dbeta] = backward({ x: rows, gamma, dy: asRows(dy) }, { epsilon });
        return [tf.reshape(dx, x.shape), dgamma, dbeta];
      },
    };
  });
}
