import '@tensorflow/tfjs';
import * as tf from '@tensorflow/tfjs-core';
import { jit } from '@dinov2/jit';
import { createRandom, linear } from '@dinov2/primitives';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { expectAllclose } from '../../../tests/support/allclose';
import type { HeapArray } from './device-array';
import { onnxEngine } from './index';

const engine = onnxEngine({ threads: 2 });
beforeAll(() => tf.setBackend('cpu'));
afterAll(() => engine.dispose());

const random = createRandom(11);
const normal = (...shape: number[]) => ({
  shape,
  data: Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, () => random.normal()),
});

/** x Wᵀ + b in float64. */
function expected(x: Float32Array, weight: Float32Array, bias: Float32Array): number[] {
  const inner = weight.length / bias.length;
  return Array.from({ length: (x.length / inner) * bias.length }, (_, i) => {
    const row = Math.floor(i / bias.length) * inner;
    const column = (i % bias.length) * inner;
    let sum = bias[i % bias.length];
    for (let k = 0; k < inner; k++) sum += x[row + k] * weight[column + k];
    return sum;
  });
}

// Sums of 24 products of order 1.
const tolerance = { rtol: 0, atol: 1e-5 };

describe('products', () => {
  it.each([1, 13, 600])('of %i rows with weights as arguments and as constants are right', async (rows) => {
    const [x, w, b] = [normal(rows, 24), normal(10, 24), normal(10)];
    for (const constant of [[], [1]]) {
      const product = jit((x: tf.Tensor, [w, b]: tf.Tensor[]) => linear(x, w, b), { engine, constant });
      for (let run = 0; run < 2; run++) {
        const y = await product(x, [w, b]);
        expectAllclose(await y.data(), expected(x.data, w.data, b.data), tolerance);
        y.dispose();
      }
      product.dispose();
    }
  });

  it('with parts of a constant are right', async () => {
    const [x, w] = [normal(600, 8), normal(2, 8, 6)];
    const zeros = new Float32Array(6);
    const transposed = (part: number) =>
      Float32Array.from({ length: 48 }, (_, i) => w.data[part * 48 + (i % 8) * 6 + Math.floor(i / 8)]);
    const product = jit((x: tf.Tensor, w: tf.Tensor) => tf.unstack(w).map((part) => tf.matMul(x, part)), { engine, constant: [1] });
    const results = await product(x, w);
    for (const [part, y] of results.entries()) {
      expectAllclose(await y.data(), expected(x.data, transposed(part), zeros), tolerance);
      y.dispose();
    }
    product.dispose();
  });

  it('keep constant weights outside of the heap, and say so', async () => {
    const { heaps } = engine.put(new Float32Array(1), [1], 'float32') as HeapArray;
    const w = normal(64, 256);
    const product = jit((w: tf.Tensor, x: tf.Tensor) => linear(x, w), { engine, constant: [0] });
    const before = heaps.used;
    const { memory } = await product.compile(w, { shape: [2, 256], dtype: 'float32' });
    expect(heaps.used).toBe(before);
    expect(memory).toEqual({ temporary: 4 * 64 * 256, inputs: 4 * 2 * 256, outputs: 4 * 2 * 64 });
    product.dispose();
  });
});
