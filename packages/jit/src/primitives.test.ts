import '@tensorflow/tfjs';
import * as tf from '@tensorflow/tfjs-core';
import { attention, definePrimitive, distillationCrossEntropy, layerNorm, linear, primitives } from '@dinov2/primitives';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { expectAllclose } from '../../../tests/support/allclose';
import { decompose, eagerEngine, type Engine, type Graph, jit } from './index';

const engine = eagerEngine({ backend: 'cpu' });

/** The eager engine with every primitive taken apart first. */
const decomposing: Engine = {
  ...engine,
  compile: (graph, options) => engine.compile(decompose(graph, () => false), options),
};

const random = (shape: number[], seed: number) => tf.randomNormal(shape, 0, 1, 'float32', seed);

/** Attention over rows, layer norm, a projection and a distillation loss, with all gradients. */
function train(x: tf.Tensor, gamma: tf.Tensor, beta: tf.Tensor, weight: tf.Tensor, teacher: tf.Tensor): tf.Tensor[] {
  const loss = (x_: tf.Tensor, gamma_: tf.Tensor, beta_: tf.Tensor, weight_: tf.Tensor) => {
    const normed = layerNorm(x_, gamma_, beta_, 1e-6);
    const heads = tf.reshape(normed, [1, 1, normed.shape[0], normed.shape[1] as number]) as tf.Tensor4D;
    const mixed = tf.reshape(attention(heads, heads, heads), normed.shape);
    return tf.mean(distillationCrossEntropy(linear(mixed, weight_), teacher, 0.1)) as tf.Scalar;
  };
  const { value, grads } = tf.valueAndGrads(loss)([x, gamma, beta, weight]);
  return [value, ...grads];
}

let before = 0;
beforeEach(async () => {
  await tf.setBackend('cpu');
  before = tf.memory().numTensors;
});
afterEach(async () => {
  await new Promise(setImmediate);
  expect(tf.memory().numTensors).toBe(before);
});

describe('primitives', () => {
  it('are one node each, and replay or decompose to the same numbers', async () => {
    const inputs = [random([6, 8], 1), random([8], 2), random([8], 3), random([5, 8], 4), tf.tidy(() => tf.softmax(random([6, 5], 5)))];
    const step = jit(train, { engine });
    const lowered = step.lower(...(inputs as Parameters<typeof train>));
    const used = new Set(lowered.graph.nodes.map(({ op }) => op).filter((op) => primitives.has(op)));
    expect([...used].sort()).toEqual(
      ['Attention', 'AttentionGrad', 'DistillationCrossEntropy', 'DistillationCrossEntropyGrad', 'LayerNorm', 'LayerNormGrad', 'Linear'],
    );
    const plain = decompose(lowered.graph, () => false);
    expect(plain.nodes.some(({ op }) => primitives.has(op))).toBe(false);
    const partly = decompose(lowered.graph, ({ op }) => op.startsWith('LayerNorm'));
    expect(new Set(partly.nodes.map(({ op }) => op).filter((op) => primitives.has(op)))).toEqual(new Set(['LayerNorm', 'LayerNormGrad']));

    const expected = tf.tidy(() => train(...(inputs as Parameters<typeof train>)));
    for (const run of [step, jit(train, { engine: decomposing })]) {
      const results = await run(...(inputs as Parameters<typeof train>));
      for (const [i, result] of results.entries()) {
        // The same float32 kernels in nearly the same order: a few units in the last place.
        expectAllclose(await result.data(), expected[i].dataSync(), { rtol: 1e-5, atol: 1e-6 });
        result.dispose();
      }
      run.dispose();
    }
    tf.dispose([inputs, expected]);
  });

  it('defined after the first trace are found, their inferred shapes are checked, an input may be returned', async () => {
    const wrong = definePrimitive({
      name: 'TestWrongShape',
      inputs: ['x'],
      infer: ({ x }) => [{ shape: [...x.shape, 1], dtype: 'float32' }],
      fallback: ({ x }) => [x],
    });
    await expect(jit((x: tf.Tensor) => wrong({ x })[0], { engine })(1)).rejects.toThrow(/TestWrongShape was inferred to return float32 \(1\)/);
    const same = definePrimitive({
      name: 'TestSame',
      inputs: ['x', 'y?'],
      infer: ({ x }) => [x],
      fallback: ({ x }) => [x],
      cost: () => ({ flops: 7 }),
    });
    const step = jit((x: tf.Tensor) => same({ x })[0], { engine });
    const x = engine.put(Float32Array.of(1), [], 'float32');
    const y = await step(x);
    x.dispose();
    expect([...(await y.data())]).toEqual([1]);
    y.dispose();
    expect(step.lower(1).cost.flops).toBe(7);
    const plain: Graph = decompose(step.lower(1).graph, () => false);
    expect(plain.nodes.map(({ op }) => op)).toEqual(['Identity']);
    (primitives as Map<string, unknown>).delete('TestSame');
    (primitives as Map<string, unknown>).delete('TestWrongShape');
  });
});
