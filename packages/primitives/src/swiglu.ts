import * as tf from '@tensorflow/tfjs-core';
import { definePrimitive } from './define';
import { asRows, differentiable, withLast } from './differentiable';
import { PrimitiveError } from './error';
import { float32, matchShapes, sizeOf } from './shapes';

function halves(x: tf.Tensor): [gate: tf.Tensor, value: tf.Tensor] {
  const [rows, width] = x.shape;
  const half = width / 2;
  return [tf.slice(x, [0, 0], [rows, half]), tf.slice(x, [0, half], [rows, half])];
}

const forward = /* @__PURE__ */ definePrimitive({
  name: 'SwiGLU',
  inputs: ['x'],
  infer(inputs) {
    const axes = matchShapes('SwiGLU', inputs, { x: ['R', '2h'] });
    if (axes['2h'] % 2 !== 0) {
      throw new PrimitiveError(
        `SwiGLU: last axis of 'x' is ${axes['2h']}; it holds gate and value and must be even.`,
      );
    }
    return [float32(axes.R, axes['2h'] / 2)];
  },
  fallback({ x }) {
    const [gate, value] = halves(x);
    return [tf.mul(tf.mul(gate, tf.sigmoid(gate)), value)];
  },
  cost: ({ x }) => ({ flops: 7 * sizeOf(x.shape) }),
});

const backward = /* @__PURE__ */ definePrimitive({
  name: 'SwiGLUGrad',
  inputs: ['x', 'dy'],
  infer(inputs) {
    const axes = matchShapes('SwiGLUGrad', inputs, { x: ['R', '2h'], dy: ['R', 'h'] });
    if (axes['2h'] !== 2 * axes.h) {
      throw new PrimitiveError(
        `SwiGLUGrad: last axis of 'x' is ${axes['2h']}; expected twice that of 'dy', ${
          2 * axes.h
        }.`,
      );
    }
    return [float32(axes.R, axes['2h'])];
  },
  fallback({ x, dy }) {
    const [gate, value] = halves(x);
    const sigmoid = tf.sigmoid(gate);
    const silu = tf.mul(gate, sigmoid);
    // silu′ = σ + g σ (1 − σ)
    const slope = tf.add(sigmoid, tf.mul(silu, tf.sub(1, sigmoid)));
    return [tf.concat([tf.mul(tf.mul(dy, value), slope), tf.mul(dy, silu)], 1)];
  },
  cost: ({ x }) => ({ flops: 10 * sizeOf(x.shape) }),
});

/**
 * Gated linear unit with SiLU, `silu(gate) · value` (Shazeer 2020, arXiv 2002.05202).
 *
 * @param x - (..., 2h): the first half is the gate, the second the value
 * @returns (..., h)
 * @throws PrimitiveError if the last axis is odd
 */
export function swiglu(x: tf.Tensor): tf.Tensor {
  return differentiable([x], (save) => {
    const rows = asRows(x);
    save([rows]);
    const [y] = forward({ x: rows });
    return {
      value: tf.reshape(y, withLast(x.shape, y.shape[1] as number)),
      gradient(dy, [rows]) {
        const [dx] = backward({ x: rows, dy: asRows(dy) });
        return [tf.reshape(dx, x.shape)];
      },
    };
  });
}
