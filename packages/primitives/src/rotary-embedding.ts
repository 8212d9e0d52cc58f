import * as tf from '@tensorflow/tfjs-core';
import { definePrimitive } from './define';
import { differentiable } from './differentiable';
import { PrimitiveError } from './error';
import { float32, matchShapes, sizeOf } from './shapes';

/** Cosine and sine of the angles by which each position turns its pairs. */
export interface Rotation {
  /** (N, d/2) */
  readonly cos: tf.Tensor;
  /** (N, d/2) */
  readonly sin: tf.Tensor;
}

const primitive = /* @__PURE__ */ definePrimitive({
  name: 'RotaryEmbedding',
  inputs: ['x', 'cos', 'sin'],
  infer(inputs) {
    const { B, H, N, d, half } = matchShapes('RotaryEmbedding', inputs, {
      x: ['B', 'H', 'N', 'd'],
      cos: ['N', 'half'],
      sin: ['N', 'half'],
    });
    if (d !== 2 * half) {
      throw new PrimitiveError(
        `RotaryEmbedding: last axis of 'x' is ${d}; expected twice that of 'cos', ${2 * half}.`,
      );
    }
    return [float32(B, H, N, d)];
  },
  fallback({ x, cos, sin }) {
    const [a, b] = tf.split(x, 2, -1);
    const first = tf.sub(tf.mul(a, cos), tf.mul(b, sin));
    const second = tf.add(tf.mul(b, cos), tf.mul(a, sin));
    return [tf.concat([first, second], -1)];
  },
  cost: ({ x }) => ({ flops: 3 * sizeOf(x.shape) }),
});

/** x turned by the angles. Carries no gradient. */
export const rotate = (x: tf.Tensor, { cos, sin }: Rotation): tf.Tensor =>
  primitive({ x, cos, sin })[0];

/** The rotation back, by which gradients pass. */
export const inverse = ({ cos, sin }: Rotation): Rotation => ({ cos, sin: tf.neg(sin) });

/**
 * Rotary position embedding: element i of the first half of the last axis and element i of the second
 * half are a pair, turned by the i-th angle of the position (Su et al. 2021, arXiv 2104.09864; halves and
 * not neighbours form the pairs). The angles are constants: they have no gradient.
 *
 * @param x - (B, H, N, d)
 * @returns (B, H, N, d)
 * @throws PrimitiveError if the shapes do not fit
 */
export function rotaryEmbedding(x: tf.Tensor, { cos, sin }: Rotation): tf.Tensor {
  return differentiable([x], (save) => {
    save([cos, sin]);
    return {
      value: rotate(x, { cos, sin }),
      gradient: (dy, [cos, sin]) => [rotate(dy, inverse({ cos, sin }))],
    };
  });
}
