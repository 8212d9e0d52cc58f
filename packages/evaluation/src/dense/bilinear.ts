import * as tf from '@tensorflow/tfjs-core';
import type { Window } from './raster';

export interface BilinearOptions {
  /** Let the first and last samples of both grids coincide; off by default. */
  readonly alignCorners?: boolean;
  /** Part of the output to compute, in output pixels; all of it by default. */
  readonly window?: Window;
}

/**
 * Where `length` outputs, starting at `first` of `to`, lie on an axis of `from` inputs, as PyTorch's
 * `interpolate(mode='bilinear')` places them; positions beyond the ends are moved to them.
 */
function sourcePositions(from: number, to: number, alignCorners: boolean, first = 0, length = to): Float32Array {
  const step = alignCorners ? (to > 1 ? (from - 1) / (to - 1) : 0) : from / to;
  const shift = alignCorners ? 0 : 0.5;
  return Float32Array.from({ length }, (_, i) => Math.min(Math.max((first + i + shift) * step - shift, 0), from - 1));
}

/** (outputs, from) matrix of linear interpolation: each input weighs 1 − distance, where that is positive. */
function weights(from: number, positions: Float32Array): tf.Tensor2D {
  const distance = tf.abs(tf.sub(tf.tensor2d(positions, [positions.length, 1]), tf.reshape(tf.range(0, from), [1, from])));
  return tf.relu(tf.sub(1, distance));
}

/**
 * Bilinear resampling of a feature map, equal to PyTorch's `interpolate(mode='bilinear')` without
 * antialiasing: a product with a matrix along each axis.
 *
 * @param x - (B, H, W, C)
 * @param size - [h, w] of the whole output
 * @returns (B, h, w, C), or the window of it
 */
export function resampleBilinear(
  x: tf.Tensor,
  [h, w]: readonly [number, number],
  { alignCorners = false, window = { top: 0, left: 0, height: h, width: w } }: BilinearOptions = {},
): tf.Tensor4D {
  const [, height, width] = x.shape as [number, number, number, number];
  const down = weights(height, sourcePositions(height, h, alignCorners, window.top, window.height));
  const across = weights(width, sourcePositions(width, w, alignCorners, window.left, window.width));
  return multiplyAxes(x, down, across);
}

/** The transpose of {@link resampleBilinear}, its gradient: from (B, h, w, C) or the window of it to (B, H, W, C). */
export function spreadBilinear(
  dy: tf.Tensor,
  [height, width]: readonly [number, number],
  [h, w]: readonly [number, number],
  { alignCorners = false, window = { top: 0, left: 0, height: h, width: w } }: BilinearOptions = {},
): tf.Tensor4D {
  const down = weights(height, sourcePositions(height, h, alignCorners, window.top, window.height));
  const across = weights(width, sourcePositions(width, w, alignCorners, window.left, window.width));
  return multiplyAxes(dy, tf.transpose(down), tf.transpose(across));
}

/** Multiply height and width of x (B, H, W, C) by matrices (h, H) and (w, W). */
function multiplyAxes(x: tf.Tensor, down: tf.Tensor2D, across: tf.Tensor2D): tf.Tensor4D {
  const [batch, height, width, channels] = x.shape as [number, number, number, number];
  const [h, w] = [down.shape[0], across.shape[0]];
  const columns = tf.reshape<tf.Rank.R3>(x, [batch, height, width * channels]);
  const lowered = tf.matMul(tf.expandDims<tf.Tensor3D>(down, 0), columns); // (B, h, W·C)
  if (channels === 1) {
    // One product of two matrices, where many with a single column each would be slow.
    const lines = tf.reshape<tf.Rank.R2>(lowered, [batch * h, width]);
    return tf.reshape(tf.matMul(lines, across, false, true), [batch, h, w, 1]);
  }
  const lines = tf.reshape<tf.Rank.R3>(lowered, [batch * h, width, channels]);
  return tf.reshape(tf.matMul(tf.expandDims<tf.Tensor3D>(across, 0), lines), [batch, h, w, channels]);
}

/** {@link resampleBilinear} of one map (height, width, channels) on the host, corners not aligned. */
export function resampleMap(
  map: { readonly data: Float32Array; readonly height: number; readonly width: number },
  channels: number,
  [h, w]: readonly [number, number],
  window: Window = { top: 0, left: 0, height: h, width: w },
): Float32Array {
  const rows = sourcePositions(map.height, h, false, window.top, window.height);
  const columns = sourcePositions(map.width, w, false, window.left, window.width);
  const stride = map.width * channels;
  const line = new Float32Array(stride);
  const out = new Float32Array(window.height * window.width * channels);
  let at = 0;
  for (const y of rows) {
    const above = Math.floor(y);
    const share = y - above;
    const top = above * stride;
    const bottom = Math.min(above + 1, map.height - 1) * stride;
    for (let i = 0; i < stride; i++) line[i] = (1 - share) * map.data[top + i]! + share * map.data[bottom + i]!;
    for (const x of columns) {
      const before = Math.floor(x);
      const part = x - before;
      const left = before * channels;
      const right = Math.min(before + 1, map.width - 1) * channels;
      for (let c = 0; c < channels; c++) out[at++] = (1 - part) * line[left + c]! + part * line[right + c]!;
    }
  }
  return out;
}
