import * as tf from '@tensorflow/tfjs-core';
import { type Engine, jit } from '@dinov2/jit';
import {
  adamW,
  addScaledRows,
  attention,
  createRandom,
  distillationCrossEntropy,
  ema,
  gelu,
  l2Normalize,
  layerNorm,
  linear,
  mergeTopK,
  rotaryEmbedding,
  selfAttention,
  sinkhornKnopp,
  squaredNorm,
  swiglu,
  takeRows,
  weightNorm,
} from '@dinov2/primitives';
import { expect } from 'vitest';
import { expectAllclose } from '../allclose';

type Operation = (...inputs: tf.Tensor[]) => tf.Tensor;
type Outputs = (...inputs: tf.Tensor[]) => tf.Tensor[];

const random = createRandom(5);
const normal = (shape: readonly number[]) => ({
  shape,
  data: Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, () => random.normal()),
});
const positive = (shape: readonly number[]) => {
  const { data } = normal(shape);
  return { shape, data: data.map((value) => Math.abs(value) + 0.1) };
};
const integers = (...values: number[]) => ({ shape: [values.length], data: Int32Array.from(values) });

type Inputs = ReturnType<typeof normal | typeof integers>[];

/** The output and the gradients of its weighted sum with respect to the first `count` inputs. */
const withGradients =
  (operation: Operation, count: number): Outputs =>
  (...inputs) => {
    const loss = (...chosen: tf.Tensor[]): tf.Tensor => {
      const y = operation(...chosen, ...inputs.slice(count));
      return tf.sum(tf.mul(y, tf.reshape(tf.sin(tf.range(1, y.size + 1)), y.shape)));
    };
    return [operation(...inputs), ...tf.grads(loss)(inputs.slice(0, count))];
  };

/** Functions of every primitive, with gradients where it has them, and their inputs. */
export const primitiveCases: Record<string, [Outputs, Inputs]> = {
  linear: [withGradients((x, w, b) => linear(x, w, b), 3), [normal([2, 37, 40]), normal([50, 40]), normal([50])]],
  'linear without bias': [withGradients((x, w) => linear(x, w), 2), [normal([7, 40]), normal([3, 40])]],
  'layer norm': [withGradients((x, g, b) => layerNorm(x, g, b), 3), [normal([5, 9, 48]), normal([48]), normal([48])]],
  gelu: [withGradients(gelu, 1), [normal([13, 21])]],
  swiglu: [withGradients(swiglu, 1), [normal([13, 20])]],
  attention: [withGradients((q, k, v) => attention(q, k, v), 3), [normal([2, 3, 17, 8]), normal([2, 3, 17, 8]), normal([2, 3, 17, 8])]],
  // More probabilities than fit into one chunk.
  'attention in chunks': [
    withGradients((q, k, v) => attention(q, k, v), 3),
    [normal([3, 1, 600, 4]), normal([3, 1, 600, 4]), normal([3, 1, 600, 4])],
  ],
  // The last block of an engine that takes rows in blocks is not full.
  'attention in uneven blocks': [
    withGradients((q, k, v) => attention(q, k, v), 3),
    [normal([3, 1, 601, 4]), normal([3, 1, 601, 4]), normal([3, 1, 601, 4])],
  ],
  'self-attention': [withGradients((qkv) => selfAttention(qkv, 2), 1), [normal([3, 10, 24])]],
  'self-attention with rotated queries and keys': [
    withGradients((qkv, cos, sin) => selfAttention(qkv, 2, { rotation: { cos, sin } }), 1),
    [normal([3, 10, 24]), normal([10, 2]), normal([10, 2])],
  ],
  'rotary embedding': [
    withGradients((x, cos, sin) => rotaryEmbedding(x, { cos, sin }), 1),
    [normal([3, 4, 9, 36]), normal([9, 18]), normal([9, 18])],
  ],
  'distillation cross-entropy': [
    withGradients((student, teacher) => distillationCrossEntropy(student, teacher, 0.1), 1),
    [normal([6, 33]), positive([3, 33])],
  ],
  'scaled rows added': [
    withGradients((x, y, gamma, rows) => addScaledRows(x, y, { gamma, rows, scale: 2 }), 3),
    [normal([5, 3, 8]), normal([2, 3, 8]), normal([8]), integers(4, 1)],
  ],
  'all rows added': [withGradients((x, y) => addScaledRows(x, y), 2), [normal([5, 3, 8]), normal([5, 3, 8])]],
  'rows taken': [withGradients((x, rows) => takeRows(x, rows), 1), [normal([5, 3, 8]), integers(3, 0, 4)]],
  'weight norm': [withGradients((v, g) => weightNorm(v, g), 2), [normal([20, 16]), positive([20, 1])]],
  'L2 normalisation': [withGradients((x) => l2Normalize(x), 1), [normal([20, 16])]],
  'squared norm': [(x) => [squaredNorm(x)], [normal([33, 5])]],
  ema: [(target, source, momentum) => [ema(target, source, momentum)], [normal([33]), normal([33]), positive([])]],
  'Sinkhorn-Knopp': [(logits, temperature) => [sinkhornKnopp(logits, temperature)], [normal([8, 50]), positive([])]],
  'running top-k': [
    (indices, values, scores, start) => {
      // The entries of the record stand in another order than the kernel's inputs.
      const best = mergeTopK({ indices, values }, scores, { start });
      return [best.values, best.indices];
    },
    [{ shape: [3, 2], data: Int32Array.of(7, 1, 2, 5, 0, 3) }, { shape: [3, 2], data: Float32Array.of(0.4, 0.2, 9, 8, -1, -2) }, normal([3, 70]), { shape: [], data: Int32Array.of(40) }],
  ],
  AdamW: [
    (param, grad, m, v, hyper) => {
      const next = adamW({ param, m, v }, grad, hyper as tf.Tensor1D, { beta1: 0.9, beta2: 0.999 });
      return [next.param, next.m, next.v];
    },
    [normal([65]), normal([65]), normal([65]), positive([65]), { shape: [6], data: Float32Array.of(1e-3, 0.04, 10, 1000, 0.5, 1) }],
  ],
};

/** An engine gives what the tfjs fallbacks give. */
export async function expectLikeFallback(engine: Engine, fn: Outputs, inputs: Inputs): Promise<void> {
  const compiled = jit(fn, { engine });
  const actual = await compiled(...inputs);
  const expected = tf.tidy(() =>
    fn(...inputs.map(({ data, shape }) => tf.tensor(data, [...shape], data instanceof Int32Array ? 'int32' : 'float32'))),
  );
  expect(actual.map(({ shape }) => shape)).toEqual(expected.map(({ shape }) => shape));
  for (const [i, array] of actual.entries()) {
    // float32 kernels against float64 arithmetic; sums over up to 600 terms.
    expectAllclose(await array.data(), expected[i]!.dataSync(), { rtol: 1e-4, atol: 2e-5 });
    array.dispose();
  }
  tf.dispose(expected);
  compiled.dispose();
}
