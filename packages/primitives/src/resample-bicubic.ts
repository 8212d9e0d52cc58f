import * as tf from '@tensorflow/tfjs-core';
import { bicubicWeights } from './bicubic-weights';
import { differentiable } from './differentiable';
import { PrimitiveError } from './error';
import { sizeOf } from './shapes';

export interface ResampleBicubicOptions {
  /** Widen the kernel when shrinking. It also changes the cubic's parameter from −0.75 to −0.5, as in PyTorch. */
  readonly antialias?: boolean;
  /** Input pixels per output pixel along H and W; [H / h, W / w] by default. */
  readonly ratios?: readonly [number, number];
}

/** Multiply axis `axis` (1 or 2) of x (B, H, W, C) by a matrix (out, in), or by its transpose. */
function applyAlong(axis: 1 | 2, x: tf.Tensor, matrix: tf.Tensor2D, transpose: boolean): tf.Tensor {
  const shape: readonly number[] = x.shape;
  const before = shape.slice(0, axis);
  const after = shape.slice(axis + 1);
  const columns = tf.reshape<tf.Rank.R3>(x, [sizeOf(before), shape[axis], sizeOf(after)]);
  const y = tf.matMul(tf.reshape<tf.Rank.R3>(matrix, [1, ...matrix.shape]), columns, transpose);
  return tf.reshape(y, [...before, matrix.shape[transpose ? 1 : 0], ...after]);
}

/**
 * Bicubic resampling of a feature map, equal to PyTorch's `interpolate(mode='bicubic',
 * align_corners=False)` with and without antialiasing (Keys 1981).
 *
 * With `ratios` other than H / h the samples lie where `interpolate(scale_factor=…)` puts them, which the
 * DINOv2 position table needs (offset 0.1).
 *
 * @param x - (B, H, W, C) float32
 * @param size - [h, w]
 * @returns (B, h, w, C)
 * @throws PrimitiveError if x is not of rank 4 or a size or ratio is not positive
 */
export function resampleBicubic(
  x: tf.Tensor,
  size: readonly [number, number],
  { antialias = false, ratios }: ResampleBicubicOptions = {},
): tf.Tensor4D {
  if (x.rank !== 4) {
    throw new PrimitiveError(
      `resampleBicubic: x has shape [${x.shape.join(', ')}]; expected [B, H, W, C].`,
    );
  }
  const [, H, W] = x.shape as [number, number, number, number];
  const [h, w] = size;
  const [ratioH, ratioW] = ratios ?? [H / h, W / w];
  if (!(Number.isInteger(h) && h > 0 && Number.isInteger(w) && w > 0 && ratioH > 0 && ratioW > 0)) {
    throw new PrimitiveError(
      `resampleBicubic: size [${h}, ${w}] and ratios [${ratioH}, ${ratioW}] must be positive, sizes whole.`,
    );
  }
  const rows = (): tf.Tensor2D => tf.tensor2d(bicubicWeights(H, h, ratioH, antialias), [h, H]);
  const columns = (): tf.Tensor2D => tf.tensor2d(bicubicWeights(W, w, ratioW, antialias), [w, W]);
  return differentiable([x], () => ({
    value: applyAlong(2, applyAlong(1, x, rows(), false), columns(), false),
    gradient: (dy) => [applyAlong(1, applyAlong(2, dy, columns(), true), rows(), true)],
  })) as tf.Tensor4D;
}
