import * as tf from '@tensorflow/tfjs-core';
import { definePrimitive } from './define';
import { differentiable } from './differentiable';
import { scatterRows } from './scatter';
import { float32, matchShapes, numberAttribute, sizeOf } from './shapes';

const forward = /* @__PURE__ */ definePrimitive({
  name: 'TakeRows',
  inputs: ['x', 'rows'],
  infer(inputs) {
    const axes = matchShapes('TakeRows', inputs, { x: ['B', '...rest'], rows: ['k'] }, ['rows']);
    return [float32(axes.k, ...axes['...rest'])];
  },
  fallback({ x, rows }) {
    return [tf.gather(x, rows, 0)];
  },
  cost: () => ({ flops: 0 }),
});

const backward = /* @__PURE__ */ definePrimitive({
  name: 'TakeRowsGrad',
  inputs: ['dy', 'rows'],
  infer(inputs, attributes) {
    const axes = matchShapes('TakeRowsGrad', inputs, { dy: ['k', '...rest'], rows: ['k'] }, [
      'rows',
    ]);
    return [float32(numberAttribute('TakeRowsGrad', attributes, 'size'), ...axes['...rest'])];
  },
  fallback({ dy, rows }, { size }) {
    return [scatterRows(dy, rows, size as number)];
  },
  cost: ({ dy }) => ({ flops: sizeOf(dy.shape) }),
});

/**
 * Rows of the first axis by index, `x[rows]`.
 *
 * @param x - (B, ...)
 * @param rows - int32 (k), distinct and in 0 … B − 1; its values are not checked
 * @returns (k, ...)
 * @throws PrimitiveError if the types or ranks do not fit
 */
export function takeRows(x: tf.Tensor, rows: tf.Tensor): tf.Tensor {
  const size = x.shape[0];
  return differentiable([x], (save) => {
    save([rows]);
    return {
      value: forward({ x, rows })[0],
      gradient: (dy, [rows]) => backward({ dy, rows }, { size }),
    };
  });
}
