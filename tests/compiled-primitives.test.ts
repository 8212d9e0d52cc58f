import '@tensorflow/tfjs';
import * as tf from '@tensorflow/tfjs-core';
import { decompose, eagerEngine, jit } from '@dinov2/jit';
import {
  adamW,
  addScaledRows,
  attention,
  distillationCrossEntropy,
  ema,
  gelu,
  l2Normalize,
  layerNorm,
  linear,
  mergeTopK,
  primitives,
  resampleBicubic,
  selfAttention,
  sinkhornKnopp,
  squaredNorm,
  swiglu,
  takeRows,
  weightNorm,
} from '@dinov2/primitives';
import { beforeAll, expect, it } from 'vitest';
import { expectAllclose } from './support/allclose';

type Operation = (...inputs: tf.Tensor[]) => tf.Tensor;
type Outputs = (...inputs: tf.Tensor[]) => tf.Tensor[];

/** The output and the gradients of its sum of squares. */
const withGradients =
  (operation: Operation): Outputs =>
  (...inputs) => {
    const loss = (...xs: tf.Tensor[]): tf.Tensor => tf.sum(tf.square(operation(...xs)));
    return [operation(...inputs), ...tf.grads(loss)(inputs)];
  };

// Per case: the function, the shapes of its float inputs, the primitives its graph must contain.
const rows = [3, 1];
const cases: Record<string, [Outputs, number[][], string[]]> = {
  linear: [withGradients(linear), [[2, 3, 4], [5, 4], [5]], ['Linear']],
  layerNorm: [
    withGradients((x, gamma, beta) => layerNorm(x, gamma, beta)),
    [[2, 3, 4], [4], [4]],
    ['LayerNorm', 'LayerNormGrad'],
  ],
  gelu: [withGradients(gelu), [[3, 4]], ['Gelu', 'GeluGrad']],
  swiglu: [withGradients(swiglu), [[3, 4]], ['SwiGLU', 'SwiGLUGrad']],
  attention: [
    withGradients((q, k, v) => attention(q, k, v)),
    [
      [2, 3, 4, 5],
      [2, 3, 4, 5],
      [2, 3, 4, 5],
    ],
    ['Attention', 'AttentionGrad'],
  ],
  selfAttention: [
    withGradients((qkv) => selfAttention(qkv, 2)),
    [[2, 3, 12]],
    ['Attention', 'AttentionGrad'],
  ],
  'selfAttention with rotation': [
    withGradients((qkv) => {
      const angles = tf.reshape(tf.range(0, 6), [3, 2]);
      return selfAttention(qkv, 1, { rotation: { cos: tf.cos(angles), sin: tf.sin(angles) } });
    }),
    [[2, 3, 12]],
    ['RotaryEmbedding', 'Attention', 'AttentionGrad'],
  ],
  distillationCrossEntropy: [
    (student, teacher) => {
      const loss = (s: tf.Tensor): tf.Tensor => distillationCrossEntropy(s, teacher, 0.1);
      return withGradients(loss)(student);
    },
    [
      [4, 5],
      [2, 5],
    ],
    ['DistillationCrossEntropy', 'DistillationCrossEntropyGrad'],
  ],
  addScaledRows: [
    withGradients((x, y, gamma) =>
      addScaledRows(x, y, { gamma, rows: tf.tensor1d(rows, 'int32'), scale: 2 }),
    ),
    [[5, 2, 3], [2, 2, 3], [3]],
    ['AddScaledRows', 'AddScaledRowsGrad'],
  ],
  takeRows: [
    withGradients((x) => takeRows(x, tf.tensor1d(rows, 'int32'))),
    [[5, 3]],
    ['TakeRows', 'TakeRowsGrad'],
  ],
  weightNorm: [
    withGradients(weightNorm),
    [
      [4, 3],
      [4, 1],
    ],
    ['WeightNorm', 'WeightNormGrad'],
  ],
  l2Normalize: [withGradients((x) => l2Normalize(x)), [[4, 3]], ['L2Normalize', 'L2NormalizeGrad']],
  resampleBicubic: [
    withGradients((x) => resampleBicubic(x, [3, 5], { antialias: true })),
    [[2, 4, 4, 3]],
    [],
  ],
  sinkhornKnopp: [
    (x) => [
      sinkhornKnopp(x, tf.scalar(0.5), { valid: tf.tensor1d([1, 1, 0, 1, 0]) }),
      sinkhornKnopp(x, 0.5),
    ],
    [[5, 3]],
    ['SinkhornKnopp'],
  ],
  mergeTopK: [
    (x) => {
      const empty = { values: tf.fill([5, 2], -Infinity), indices: tf.zeros([5, 2], 'int32') };
      const { values, indices } = mergeTopK(mergeTopK(empty, x, { start: 0 }), tf.square(x), { start: 7 });
      return [values, indices];
    },
    [[5, 7]],
    ['MergeTopK'],
  ],
  mergeTopKOfRows: [
    (x) => {
      const empty = { values: tf.fill([6, 2], -Infinity), indices: tf.zeros([6, 2], 'int32') };
      const { values, indices } = mergeTopK(empty, x, { start: 0, rows: tf.tensor1d([4, 0, -1, 5, 1], 'int32') });
      return [values, indices];
    },
    [[5, 7]],
    ['MergeTopK'],
  ],
  updates: [
    (param, m, v, grad) => {
      const hyper = tf.tensor1d([0.1, 0.1, 10, 1000, 1, 1]);
      const next = adamW({ param, m, v: tf.square(v) }, grad, hyper);
      return [next.param, next.m, next.v, ema(param, grad, 0.9), squaredNorm(grad)];
    },
    [
      [5, 3],
      [5, 3],
      [5, 3],
      [5, 3],
    ],
    ['AdamW', 'Ema', 'SquaredNorm'],
  ],
};

beforeAll(() => tf.setBackend('cpu'));

it.each(Object.entries(cases))(
  '%s: compiled and decomposed graphs equal eager',
  async (_, [operation, shapes, ops]) => {
    const engine = eagerEngine();
    const inputs = shapes.map((shape, i) => tf.randomNormal(shape, 0, 1, 'float32', i + 1));
    const expected = operation(...inputs);
    const compiled = jit(operation, { engine });

    const { graph } = await compiled.lower(...inputs);
    const names = (nodes: typeof graph.nodes): string[] => nodes.map((node) => node.op);
    expect(names(graph.nodes)).toEqual(expect.arrayContaining(ops));
    const plain = decompose(graph, () => false);
    expect(names(plain.nodes).filter((name) => primitives.has(name))).toEqual([]);

    const outputs = await compiled(...inputs);
    const executable = await engine.compile(plain, { donations: [] });
    const arrays = await Promise.all(
      inputs.map((x) => engine.put(x.dataSync() as Float32Array, x.shape, 'float32')),
    );
    const decomposed = await executable.run(arrays);
    for (const [i, tensor] of expected.entries()) {
      // The same kernels in the same order, up to folded constants.
      for (const array of [outputs[i], decomposed[i]]) {
        expectAllclose(await array.data(), tensor.dataSync(), { rtol: 1e-5, atol: 1e-6 });
      }
    }
  },
);
