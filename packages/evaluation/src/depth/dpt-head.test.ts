import '@tensorflow/tfjs';
import { onnxEngine } from '@dinov2/engine-onnx';
import { eagerEngine, type Engine, jit } from '@dinov2/jit';
import * as tf from '@tensorflow/tfjs-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { expectAllclose } from '../../../../tests/support/allclose';
import { hashedParameters, readGolden, symmetric } from '../../../../tests/support/golden';
import { colourTokens, rectangles } from '../dense/scenes.testing';
import { convolve3x3, enlargeByTiles } from './convolution';
import { dptModel, dptShapes } from './dpt-head';
import { loadDepthHead } from './head';
import { trainDepth } from './train';

const golden = readGolden('depth');
const onnx = onnxEngine();
afterAll(() => onnx.dispose());
const engines: [string, () => Engine][] = [['the eager engine', () => eagerEngine()], ['ONNX Runtime', () => onnx]];

type Weights = Record<string, tf.Tensor>;
interface Tokens {
  readonly patchTokens: tf.Tensor;
  readonly classTokens: tf.Tensor;
}

describe.each(engines)('the DPT head on %s', (_, engine) => {
  beforeAll(() => tf.setBackend('cpu'));

  it('equals PyTorch, every gradient included', async () => {
    const parameters = hashedParameters(dptShapes(8, 4));
    const last = parameters['conv_depth.head.4.bias']!;
    last.data[0]! += 0.45;
    const names = Object.keys(parameters);
    const model = dptModel(4);
    const run = jit(
      (p: Weights, tokens: Tokens, dy: tf.Tensor) => {
        const depth = (...values: tf.Tensor[]) =>
          model.depth(Object.fromEntries(names.map((name, i) => [name, values[i]!])), tokens, { minDepth: 0.001, maxDepth: 10 });
        const values = names.map((name) => p[name]!);
        return { depth: depth(...values), gradients: tf.grads(depth)(values, dy) };
      },
      { engine: engine() },
    );
    const tokens = {
      patchTokens: { data: symmetric(700, 2 * 4 * 6 * 8).map((x) => 30 * x), shape: [2, 4, 3, 2, 8] },
      classTokens: { data: symmetric(701, 2 * 4 * 8).map((x) => 3 * x), shape: [2, 4, 8] },
    };
    const { depth, gradients } = await run(parameters, tokens, { data: symmetric(702, 2 * 64 * 32), shape: [2, 64, 32] });
    const values = await depth.data();
    const sampled = golden['dpt.depth']!.data.map((_, i) => values[Math.floor(i / 32) * 2048 + Math.floor((i % 32) / 4) * 256 + (i % 4) * 8]!);
    expectAllclose(sampled, golden['dpt.depth']!.data, { rtol: 1e-5, atol: 1e-6 });

    for (const [i, name] of names.entries()) {
      const sums = [0, 0, 0, 0];
      (await gradients[i]!.data()).forEach((value, k) => (sums[k % 4]! += value));
      const expected = golden[`dpt.grad.${name}`]!.data;
      const largest = expected.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
      // A relu that float32 puts on the other side of 0 changes single terms of these sums.
      expectAllclose(sums, expected, { rtol: 1e-3, atol: 1e-3 * largest + 1e-6 });
    }
    [depth, ...gradients].forEach((array) => array.dispose());
    run.dispose();
  });
});

describe('convolutions of the DPT head', () => {
  beforeAll(() => tf.setBackend('cpu'));

  it('are those of tfjs, gradients included', () => {
    const x = tf.tensor4d(symmetric(1, 2 * 5 * 4 * 3), [2, 5, 4, 3]);
    const weight = tf.tensor4d(symmetric(2, 6 * 27), [6, 3, 3, 3]);
    const dy = tf.tensor4d(symmetric(3, 2 * 5 * 4 * 6), [2, 5, 4, 6]);
    const reference = (x: tf.Tensor, w: tf.Tensor) => tf.conv2d(x as tf.Tensor4D, tf.transpose(w, [2, 3, 1, 0]) as tf.Tensor4D, 1, 'same');
    expectAllclose(convolve3x3(x, weight).dataSync(), reference(x, weight).dataSync(), { rtol: 1e-5, atol: 1e-6 });
    const ours = tf.grads((x: tf.Tensor, w: tf.Tensor) => convolve3x3(x, w))([x, weight], dy);
    const theirs = tf.grads(reference)([x, weight], dy);
    ours.forEach((gradient, i) => expectAllclose(gradient.dataSync(), theirs[i]!.dataSync(), { rtol: 1e-5, atol: 1e-5 }));
  });

  it('enlarge by tiles as a transposed convolution of tfjs does', () => {
    const x = tf.tensor4d(symmetric(4, 2 * 3 * 4 * 5), [2, 3, 4, 5]);
    const weight = tf.tensor4d(symmetric(5, 5 * 6 * 4), [5, 6, 2, 2]);
    const filter = tf.transpose(weight, [2, 3, 1, 0]) as tf.Tensor4D; // (k, k, out, in)
    const expected = tf.conv2dTranspose(x, filter, [2, 6, 8, 6], 2, 'valid');
    expectAllclose(enlargeByTiles(x, weight, tf.zeros([6])).dataSync(), expected.dataSync(), { rtol: 1e-5, atol: 1e-6 });
  });
});

describe('trainDepth with a DPT head', () => {
  it('learns, and its stored weights give the same', async () => {
    const losses: number[] = [];
    const { head } = await trainDepth({
      train: rectangles(8),
      head: 'dpt',
      channels: 8,
      extract: colourTokens(4),
      patchSize: 4,
      engine: onnx,
      batchSize: 2,
      iterations: 25,
      learningRate: 1e-2,
      maxDepth: 6,
      augmentation: { crop: [12, 16], rotation: 0, rotationProbability: 0, flipProbability: 0.5, colourProbability: 0, brightness: [1, 1] },
      test: {},
      onProgress: ({ loss }) => losses.push(loss),
    });
    expect(losses.at(-1)!).toBeLessThan(losses[0]! / 2);
    const again = loadDepthHead(head.weights, { extract: colourTokens(4), patchSize: 4, engine: onnx, maxDepth: 6 });
    const { image } = await rectangles(20).sample(15);
    expect(await again.predict(image)).toEqual(await head.predict(image));
    const bias = 'decode_head.project.conv.bias';
    const options = { extract: colourTokens(4), patchSize: 4 };
    const { [bias]: _, ...rest } = head.weights;
    expect(() => loadDepthHead(rest, options)).toThrow(`${bias} is missing in the weights of a depth head; expected shape (8)`);
    const short = { ...head.weights, [bias]: { data: new Float32Array(2), shape: [2] } };
    expect(() => loadDepthHead(short, options)).toThrow(`${bias} has shape (2)`);
    const other = loadDepthHead(head.weights, { ...options, extract: colourTokens(3) });
    await expect(other.predict(image)).rejects.toThrow('tokens of 3 blocks of width 9 for a head on 36 channels');
    [head, again, other].forEach((one) => one.dispose());
  });

  it('refuses another number of blocks', async () => {
    const options = { train: rectangles(2), head: 'dpt', extract: colourTokens(2), patchSize: 4, augmentation: { crop: [24, 32] } } as never;
    await expect(trainDepth(options)).rejects.toThrow('a DPT head reads 4 blocks, and extract gives 2');
    expect(() => loadDepthHead({}, { extract: colourTokens(4) })).toThrow('not those of a depth head');
  });
});
