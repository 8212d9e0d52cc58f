import * as tf from '@tensorflow/tfjs-core';
import { definePrimitive } from './define';
import { asRows, differentiable, withLast } from './differentiable';
import { float32, matchShapes } from './shapes';

const shape = { x: ['R', 'in'], weight: ['out', 'in'], 'bias?': ['out'] } as const;

const forward = /* @__PURE__ */ definePrimitive({
  name: 'Linear',
  inputs: ['x', 'weight', 'bias?'],
  infer(inputs) {
    const { R, out } = matchShapes('Linear', inputs, shape);
    return [float32(R, out)];
  },
  fallback({ x, weight, bias }) {
    const y = tf.matMul(x, weight, false, true);
    return [bias === undefined ? y : tf.add(y, bias)];
  },
  cost(inputs) {
    const axes = matchShapes('Linear', inputs, shape);
    const multiplyAdds = axes.R * axes.in * axes.out;
    return { flops: 2 * multiplyAdds + (inputs.bias === undefined ? 0 : axes.R * axes.out) };
  },
});

/**
 * Affine map of the last axis, `y = x Wᵀ + b`, with weights stored as PyTorch stores them.
 *
 * @param x - (..., in)
 * @param weight - (out, in)
 * @param bias - (out)
 * @returns (..., out)
 * @throws PrimitiveError if the shapes do not fit
 */
export function linear(x: tf.Tensor, weight: tf.Tensor, bias?: tf.Tensor): tf.Tensor {
  return differentiable(bias === undefined ? [x, weight] : [x, weight, bias], (save) => {
    const rows = asRows(x);
    save([rows, weight]);
    const [y] = forward({ x: rows, weight, bias });
    return {
      value: tf.reshape(y, withLast(x.shape, weight.shape[0])),
      gradient(dout, [rows, weight]) {
        const dy = asRows(dout); // (R, out)
        const dx = tf.reshape(tf.matMul(dy, weight), x.shape);
        const dweight = tf.matMul(dy, rows, true, false); // (out, in)
        return bias === undefined ? [dx, dweight] : [dx, dweight, tf.sum(dy, 0)];
      },
    };
  });
}
