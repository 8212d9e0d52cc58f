import * as tf from '@tensorflow/tfjs-core';
import { definePrimitive } from './define';
import { PrimitiveError } from './error';
import { float32, matchShapes, numberAttribute, sizeOf } from './shapes';

const step = /* @__PURE__ */ definePrimitive({
  name: 'AdamW',
  inputs: ['param', 'grad', 'm', 'v', 'hyper'],
  infer(inputs, attributes) {
    const axes = matchShapes('AdamW', inputs, {
      param: ['...shape'],
      grad: ['...shape'],
      m: ['...shape'],
      v: ['...shape'],
      hyper: ['6'],
    });
    if (axes['6'] !== 6) {
      throw new PrimitiveError(
        `AdamW: input 'hyper' has ${axes['6']} values; expected 6: learning rate, weight decay, ` +
          '1/(1-beta1^t), 1/(1-beta2^t), gradient scale, apply.',
      );
    }
    for (const name of ['beta1', 'beta2', 'epsilon']) numberAttribute('AdamW', attributes, name);
    const spec = float32(...axes['...shape']);
    return [spec, spec, spec];
  },
  fallback({ param, grad, m, v, hyper }, attributes) {
    const beta1 = attributes.beta1 as number;
    const beta2 = attributes.beta2 as number;
    const at = (index: number): tf.Tensor => tf.reshape(tf.slice(hyper, [index], [1]), []);
    const [learningRate, weightDecay, correction1, correction2, scale, apply] = [
      0, 1, 2, 3, 4, 5,
    ].map(at);
    const g = tf.mul(grad, scale);
    const newM = tf.add(tf.mul(m, beta1), tf.mul(g, 1 - beta1));
    const newV = tf.add(tf.mul(v, beta2), tf.mul(tf.square(g), 1 - beta2));
    const denominator = tf.add(tf.sqrt(tf.mul(newV, correction2)), attributes.epsilon as number);
    const update = tf.div(tf.mul(newM, tf.mul(learningRate, correction1)), denominator);
    const decayed = tf.mul(param, tf.sub(1, tf.mul(learningRate, weightDecay)));
    // A selection, because a product with 0 would keep NaN.
    const applied = tf.greater(apply, 0);
    return [
      tf.where(applied, tf.sub(decayed, update), param),
      tf.where(applied, newM, m),
      tf.where(applied, newV, v),
    ];
  },
  cost: ({ param }) => ({ flops: 14 * sizeOf(param.shape) }),
});

export interface AdamWState {
  readonly param: tf.Tensor;
  /** Running mean of the gradient. */
  readonly m: tf.Tensor;
  /** Running mean of the squared gradient. */
  readonly v: tf.Tensor;
}

export interface AdamWOptions {
  readonly beta1?: number;
  readonly beta2?: number;
  readonly epsilon?: number;
}

/**
 * One step of Adam with decoupled weight decay (Loshchilov & Hutter 2019, arXiv 1711.05101), as
 * `torch.optim.AdamW` computes it. Has no gradient.
 *
 * ```
 * g  = gradScale · grad
 * m' = β₁ m + (1 − β₁) g,  v' = β₂ v + (1 − β₂) g²
 * p' = p (1 − lr · weightDecay) − lr · m'/(1 − β₁ᵗ) / (√(v'/(1 − β₂ᵗ)) + ε)
 * ```
 *
 * @param state - parameter and moments, all of one shape; moments start at 0
 * @param grad - the same shape
 * @param hyper - (6): lr, weightDecay, 1/(1 − β₁ᵗ), 1/(1 − β₂ᵗ), gradScale, apply. With apply = 0 the state
 *   is returned bit for bit, even if the gradient holds NaN
 * @param options - β₁ = 0.9, β₂ = 0.999, ε = 1e-8 by default
 * @throws PrimitiveError if the shapes do not fit
 */
export function adamW(
  { param, m, v }: AdamWState,
  grad: tf.Tensor,
  hyper: tf.Tensor,
  { beta1 = 0.9, beta2 = 0.999, epsilon = 1e-8 }: AdamWOptions = {},
): AdamWState {
  const [nextParam, nextM, nextV] = step({ param, grad, m, v, hyper }, { beta1, beta2, epsilon });
  return { param: nextParam, m: nextM, v: nextV };
}
