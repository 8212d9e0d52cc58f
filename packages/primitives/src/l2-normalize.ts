import * as tf from '@tensorflow/tfjs-core';
import { definePrimitive } from './define';
import { asRows, differentiable } from './differentiable';
import { float32, matchShapes, numberAttribute, sizeOf } from './shapes';

const norm = (x: tf.Tensor): tf.Tensor => tf.sqrt(tf.sum(tf.square(x), 1, true)); // (R, 1)

const forward = /* @__PURE__ */ definePrimitive({
  name: 'L2Normalize',
  inputs: ['x'],
  infer(inputs, attributes) {
    const { R, D } = matchShapes('L2Normalize', inputs, { x: ['R', 'D'] });
    numberAttribute('L2Normalize', attributes, 'epsilon');
    return [float32(R, D)];
  },
  fallback({ x }, { epsilon }) {
    return [tf.div(x, tf.maximum(norm(x), epsilon as number))];
  },
  cost: ({ x }) => ({ flops: 3 * sizeOf(x.shape) }),
});

const backward = /* @__PURE__ */ definePrimitive({
  name: 'L2NormalizeGrad',
  inputs: ['x', 'dy'],
  infer(inputs, attributes) {
    const { R, D } = matchShapes('L2NormalizeGrad', inputs, { x: ['R', 'D'], dy: ['R', 'D'] });
    numberAttribute('L2NormalizeGrad', attributes, 'epsilon');
    return [float32(R, D)];
  },
  fallback({ x, dy }, attributes) {
    const epsilon = attributes.epsilon as number;
    const length = norm(x);
    const divisor = tf.maximum(length, epsilon);
    const direction = tf.div(x, divisor);
    // Below epsilon the divisor is constant and dx = dy / epsilon.
    const along = tf.where(
      tf.greater(length, epsilon),
      tf.sum(tf.mul(dy, direction), 1, true),
      tf.zerosLike(length),
    );
    return [tf.div(tf.sub(dy, tf.mul(direction, along)), divisor)];
  },
  cost: ({ x }) => ({ flops: 8 * sizeOf(x.shape) }),
});

/**
 * Unit vectors along the last axis, `x / max(‖x‖₂, ε)`.
 *
 * @param x - (..., D)
 * @param epsilon - smallest divisor; 1e-12 as in PyTorch
 * @returns (..., D)
 */
export function l2Normalize(x: tf.Tensor, epsilon = 1e-12): tf.Tensor {
  return differentiable([x], (save) => {
    const rows = asRows(x);
    save([rows]);
    return {
      value: tf.reshape(forward({ x: rows }, { epsilon })[0], x.shape),
      gradient(dy, [rows]) {
        const [dx] = backward({ x: rows, dy: asRows(dy) }, { epsilon });
        return [tf.reshape(dx, x.shape)];
      },
    };
  });
}
