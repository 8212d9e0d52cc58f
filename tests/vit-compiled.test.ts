import '@tensorflow/tfjs';
import { onnxEngine } from '@dinov2/engine-onnx';
import { jit } from '@dinov2/jit';
import { forwardPacked, parameterShapes, type Parameters, ropePeriods, vitConfig } from '@dinov2/vit';
import * as tf from '@tensorflow/tfjs-core';
import { afterAll, expect, it } from 'vitest';
import { expectGolden, hashedParameters, readGolden, symmetric } from './support/golden';

const engine = onnxEngine({ threads: 2 });
afterAll(() => engine.dispose());

const images = (seed: number, ...shape: number[]) => ({
  shape,
  data: symmetric(seed, shape.reduce((a, b) => a * b, 1)).map((x) => 2 * x),
});

// The values of tests/golden/vit_rope.py, by a graph of both groups on ONNX Runtime.
it.each([
  ['rope', { ffn: 'mlp', mlpRatio: 2.5, qkvBias: true }],
  ['rope-gated', { ffn: 'swiglu', mlpRatio: 3.75, qkvBias: false }],
] as const)('a compiled DINOv3 backbone and its gradients equal PyTorch: %s', async (name, layers) => {
  const config = vitConfig('dinov3-small', { embedDim: 16, depth: 2, heads: 2, patchSize: 4, imageSize: 16, ...layers });
  const golden = readGolden(`vit-${name}`);
  const { 'rope_embed.periods': _, ...learned } = hashedParameters(parameterShapes(config));
  const periods = { shape: [2], data: Float32Array.from(ropePeriods(config)) };
  const names = Object.keys(learned);

  const step = jit(
    (params: Parameters, periods: tf.Tensor, wide: tf.Tensor, masks: tf.Tensor, square: tf.Tensor) => {
      const tokens = (params: Parameters): tf.Tensor[] =>
        forwardPacked({ ...params, 'rope_embed.periods': periods }, config, [{ images: wide, masks }, { images: square }]).map((f) =>
          tf.concat([tf.expandDims(f.clsToken, 1), f.registerTokens, f.patchTokens], 1),
        );
      const loss = (...values: tf.Tensor[]): tf.Tensor =>
        tf.addN(
          tokens(Object.fromEntries(names.map((key, i) => [key, values[i]]))).map((value, i) =>
            tf.sum(tf.mul(value, tf.tensor(symmetric(50 + i, value.size), value.shape))),
          ),
        );
      const [wideTokens, squareTokens] = tokens(params);
      const gradients = tf.grads(loss)(names.map((key) => params[key]));
      return { wideTokens, squareTokens, gradients };
    },
    { engine },
  );
  const masks = { shape: [3, 15], data: symmetric(2, 3 * 15).map((x) => (x < -0.1 ? 1 : 0)) };
  const { wideTokens, squareTokens, gradients } = await step(learned, periods, images(1, 3, 12, 20, 3), masks, images(3, 2, 16, 16, 3));
  const keys = ['wide', 'square', ...names.map((key) => `grad.${key}`)];
  for (const [i, array] of [wideTokens, squareTokens, ...gradients].entries()) {
    const data = await array.data();
    expectGolden({ shape: array.shape, dataSync: () => data }, golden, keys[i]);
    array.dispose();
  }
  expect(gradients).toHaveLength(names.length);
  step.dispose();
});
