import '@tensorflow/tfjs';
import * as tf from '@tensorflow/tfjs-core';
import { describe, expect, it } from 'vitest';
import { costReport } from './cost';
import { trace } from './trace/trace';

const cost = (fn: (...x: tf.Tensor[]) => tf.Tensor | tf.Tensor[], ...shapes: number[][]) =>
  costReport(trace(shapes.map((shape) => ({ shape, dtype: 'float32' })), (x) => fn(...x)).graph);

describe('costReport', () => {
  it('counts multiply-adds of products and convolutions twice', () => {
    expect(cost((a, b) => tf.matMul(a, b, true), [7, 5], [7, 3]).flops).toBe(2 * 5 * 7 * 3);
    expect(cost((a, b) => tf.matMul(a, b), [4, 5, 7], [4, 7, 3]).flops).toBe(2 * 4 * 5 * 7 * 3);
    // 8×8 outputs of 6 channels, each over 3×3×4 inputs.
    const x = [1, 8, 8, 4];
    expect(cost((a, f) => tf.conv2d(a as tf.Tensor4D, f as tf.Tensor4D, 1, 'same'), x, [3, 3, 4, 6]).flops).toBe(2 * 64 * 6 * 36);
    expect(cost((a, f) => tf.depthwiseConv2d(a as tf.Tensor4D, f as tf.Tensor4D, 1, 'same'), x, [3, 3, 4, 2]).flops).toBe(2 * 64 * 8 * 9);
  });

  it('counts as much for each gradient of a convolution as for the convolution', () => {
    const forward = (a: tf.Tensor, f: tf.Tensor) => tf.conv2d(a as tf.Tensor4D, f as tf.Tensor4D, 1, 'same');
    const once = 2 * 64 * 6 * 36;
    const both = cost((a, f, dy) => tf.grads(forward)([a, f], dy), [1, 8, 8, 4], [3, 3, 4, 6], [1, 8, 8, 6]);
    expect(both.flops).toBe(3 * once);
  });

  it('finds the peak, with views free and inputs and outputs kept', () => {
    const n = 256;
    // cos and sin overlap, then sin and exp; the reshape is a view of exp.
    const { peakBytes, bytesMoved } = cost((x) => tf.sum(tf.reshape(tf.exp(tf.sin(tf.cos(x))), [16, 16])), [n]);
    expect(peakBytes).toBe(4 * 3 * n);
    expect(bytesMoved).toBe(4 * (2 * n * 4 + n + 1));
  });

  it('writes itself in readable units', () => {
    expect(cost((a, b) => tf.matMul(a, b), [512, 512], [512, 512]).toString()).toBe(
      '1 node, 268 MFLOP, 3.15 MB moved, peak 3.0 MiB (inputs 2.0 MiB, constants 0 B, outputs 1.0 MiB)',
    );
  });
});
