import * as tf from '@tensorflow/tfjs-core';
import { definePrimitive } from './define';
import { PrimitiveError } from './error';
import { float32, matchShapes, numberAttribute } from './shapes';

const shape = { logits: ['n', 'K'], temperature: [], 'valid?': ['n'] } as const;

// Stands for a sum of zeros: its reciprocal stays finite, and so does that times a row of 1e8 ones.
const smallest = 1e-30;
const lowest = -3e38;

const assign = /* @__PURE__ */ definePrimitive({
  name: 'SinkhornKnopp',
  inputs: ['logits', 'temperature', 'valid?'],
  infer(inputs, attributes) {
    const { n, K } = matchShapes('SinkhornKnopp', inputs, shape);
    numberAttribute('SinkhornKnopp', attributes, 'iterations');
    return [float32(n, K)];
  },
  fallback({ logits, temperature, valid }, { iterations }) {
    const [n, K] = logits.shape;
    const weight = tf.reshape(valid ?? tf.ones([n]), [n, 1]);
    const isValid = tf.greater(weight, 0);
    // Padding may hold anything, and 0 · NaN is NaN.
    const clean = valid === undefined ? logits : tf.where(isValid, logits, tf.zerosLike(logits));
    // The matrix stays E = exp((t − row max) / τ), and only the two scalings change: rows u, columns w.
    // The row maxima begin as part of u, so no row can underflow as a whole.
    const scaled = tf.div(clean, temperature);
    const rowMax = tf.max(scaled, 1, true); // (n, 1)
    const e = tf.exp(tf.sub(scaled, rowMax));
    const validMax = tf.where(isValid, rowMax, tf.fill([n, 1], lowest));
    let u = tf.mul(tf.exp(tf.sub(validMax, tf.max(validMax))), weight); // (n, 1)
    let w: tf.Tensor = tf.ones([K, 1]);
    for (let i = 0; i < (iterations as number); i++) {
      w = tf.div(1, tf.maximum(tf.matMul(e, u, true), smallest)); // (K, 1)
      u = tf.div(weight, tf.maximum(tf.matMul(e, w), smallest)); // (n, 1)
    }
    return [tf.mul(tf.mul(e, u), tf.reshape(w, [1, K]))];
  },
  cost(inputs, { iterations }) {
    const { n, K } = matchShapes('SinkhornKnopp', inputs, shape);
    return { flops: n * K * (15 + 4 * (iterations as number)) };
  },
});

export interface SinkhornKnoppOptions {
  /** 1 for rows that take part, 0 for padding, whose result is exactly 0: (n). All rows if absent. */
  readonly valid?: tf.Tensor;
  /** Rounds of column and row normalisation; 3 by default. */
  readonly iterations?: number;
}

/**
 * Balanced soft assignment of samples to prototypes: alternately scales the columns and the rows of
 * `exp(logits / temperature)` to equal sums, ending with rows that sum to 1
 * (Cuturi 2013, arXiv 1306.0895; Caron et al. 2020, arXiv 2006.09882, §3.1). Has no gradient.
 *
 * @param logits - (n, K)
 * @param temperature - positive scalar
 * @returns probabilities (n, K)
 * @throws PrimitiveError if the shapes do not fit or a temperature given as a number is not positive
 */
export function sinkhornKnopp(
  logits: tf.Tensor,
  temperature: tf.Tensor | number,
  { valid, iterations = 3 }: SinkhornKnoppOptions = {},
): tf.Tensor2D {
  if (typeof temperature === 'number' && !(temperature > 0)) {
    throw new PrimitiveError(`SinkhornKnopp: temperature ${temperature} is not positive.`);
  }
  return tf.tidy(() => {
    const scalar = typeof temperature === 'number' ? tf.scalar(temperature) : temperature;
    return assign({ logits, temperature: scalar, valid }, { iterations })[0] as tf.Tensor2D;
  });
}
