import * as tf from '@tensorflow/tfjs-core';
import { definePrimitive } from './define';
import { differentiable } from './differentiable';
import { PrimitiveError } from './error';
import { scatterRows } from './scatter';
import { float32, matchShapes, numberAttribute, sizeOf } from './shapes';

const shape = {
  x: ['B', '...rest', 'D'],
  y: ['k', '...rest', 'D'],
  'gamma?': ['D'],
  'rows?': ['k'],
} as const;

const forward = /* @__PURE__ */ definePrimitive({
  name: 'AddScaledRows',
  inputs: ['x', 'y', 'gamma?', 'rows?'],
  infer(inputs, attributes) {
    const axes = matchShapes('AddScaledRows', inputs, shape, ['rows']);
    numberAttribute('AddScaledRows', attributes, 'scale');
    if (inputs.rows === undefined ? axes.k !== axes.B : axes.k > axes.B) {
      throw new PrimitiveError(
        `AddScaledRows: 'y' has ${axes.k} rows and 'x' has ${axes.B}; pass distinct 'rows' for a subset.`,
      );
    }
    return [float32(...inputs.x.shape)];
  },
  fallback({ x, y, gamma, rows }, attributes) {
    const scale = attributes.scale as number;
    const scaled = tf.mul(y, gamma === undefined ? scale : tf.mul(gamma, scale));
    return [tf.add(x, rows === undefined ? scaled : scatterRows(scaled, rows, x.shape[0]))];
  },
  cost: ({ y }) => ({ flops: 2 * sizeOf(y.shape) }),
});

const backward = /* @__PURE__ */ definePrimitive({
  name: 'AddScaledRowsGrad',
  inputs: ['dout', 'y', 'gamma?', 'rows?'],
  infer({ dout, y, gamma, rows }, attributes) {
    matchShapes('AddScaledRowsGrad', { x: dout, y, gamma, rows }, shape, ['rows']);
    numberAttribute('AddScaledRowsGrad', attributes, 'scale');
    return gamma === undefined
      ? [float32(...y.shape)]
      : [float32(...y.shape), float32(...gamma.shape)];
  },
  fallback({ dout, y, gamma, rows }, attributes) {
    const scale = attributes.scale as number;
    const taken = rows === undefined ? dout : tf.gather(dout, rows, 0);
    if (gamma === undefined) return [tf.mul(taken, scale)];
    const dgamma = tf.sum(tf.reshape(tf.mul(taken, y), [-1, gamma.size]), 0);
    return [tf.mul(taken, tf.mul(gamma, scale)), tf.mul(dgamma, scale)];
  },
  cost: ({ y, gamma }) => ({ flops: (gamma === undefined ? 1 : 4) * sizeOf(y.shape) }),
});

export interface AddScaledRowsOptions {
  /** Per-channel factor of y (D), as in LayerScale. */
  readonly gamma?: tf.Tensor;
  /** Rows of x that receive y: int32 (k), distinct and in 0 … B − 1; its values are not checked. All rows if absent. */
  readonly rows?: tf.Tensor;
  /** Factor of y; 1 by default. */
  readonly scale?: number;
}

/**
 * Residual sum into some rows of a batch: a copy of x with `out[rows] += scale · gamma · y`.
 * With `rows` and `scale` = B/k this is batch-subset stochastic depth (DINOv2, arXiv 2304.07193, §5).
 *
 * @param x - (B, ..., D)
 * @param y - (k, ..., D)
 * @returns (B, ..., D)
 * @throws PrimitiveError if the shapes do not fit
 */
export function addScaledRows(
  x: tf.Tensor,
  y: tf.Tensor,
  { gamma, rows, scale = 1 }: AddScaledRowsOptions = {},
): tf.Tensor {
  const optional = [gamma, rows].filter((tensor) => tensor !== undefined);
  return differentiable(gamma === undefined ? [x, y] : [x, y, gamma], (save) => {
    save([y, ...optional]);
    return {
      value: forward({ x, y, gamma, rows }, { scale })[0],
      gradient(dout, [y, ...saved]) {
        const savedGamma = gamma && saved[0];
        const savedRows = rows && saved[saved.length - 1];
        const gradients = backward({ dout, y, gamma: savedGamma, rows: savedRows }, { scale });
        return [tf.clone(dout), ...gradients];
      },
    };
  });
}
