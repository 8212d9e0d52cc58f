import '@tensorflow/tfjs';
import * as tf from '@tensorflow/tfjs-core';
import { acrossShards, addScaledRows, attention, createRandom, gelu, layerNorm, linear, sinkhornKnopp, takeRows, weightNorm } from '@dinov2/primitives';
import { beforeAll, describe, expect, it } from 'vitest';
import { expectAllclose } from '../../../../tests/support/allclose';
import { eagerEngine, type HostArray, jit } from '../index';

const count = 3;
const engine = eagerEngine({ backend: 'cpu' });
beforeAll(() => tf.setBackend('cpu'));

const random = createRandom(11);
const normal = (...shape: number[]): HostArray => ({ shape, data: Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, () => random.normal()) });
/** Distinct rows of every shard, (S, k). */
const rowsOf = (size: number, k: number): HostArray => ({
  shape: [count, k],
  data: Int32Array.from(Array.from({ length: count }, () => [...random.permutation(size).slice(0, k)]).flat()),
});
const tensor = ({ data, shape }: HostArray): tf.Tensor => tf.tensor(data, [...shape], data instanceof Int32Array ? 'int32' : 'float32');

type Shared = tf.Tensor[];
type Local = (shared: Shared, batch: tf.Tensor[]) => tf.Tensor[];

/** What `fn` gives for each shard by itself, averaged. */
function meanOfShards(fn: Local, shared: readonly HostArray[], batch: readonly HostArray[]): tf.Tensor[] {
  const weights = shared.map(tensor);
  const stacked = batch.map(tensor);
  const results = Array.from({ length: count }, (_, s) => fn(weights, stacked.map((x) => tf.squeeze(tf.slice(x, s, 1), [0]))));
  return results[0].map((_, i) => tf.mean(tf.stack(results.map((result) => result[i])), 0));
}

const cases: Record<string, { fn: Local; shared?: HostArray[]; batch: HostArray[] }> = {
  'a linear layer, a norm and an activation with gradients': {
    fn: ([w, b, g], [x]) => {
      const { value, grads } = tf.valueAndGrads((w: tf.Tensor, b: tf.Tensor, g: tf.Tensor) => tf.mean(tf.square(gelu(layerNorm(linear(x, w, b), g, b)))))([w, b, g]);
      return [value, ...grads];
    },
    shared: [normal(5, 4), normal(5), normal(5)],
    batch: [normal(count, 6, 4)],
  },
  'attention with gradients': {
    fn: ([w], [x]) => tf.grads((w: tf.Tensor) => tf.sum(tf.sin(attention(tf.mul(x, w), x, tf.add(x, w)))))([w]),
    shared: [normal(4)],
    batch: [normal(count, 2, 2, 5, 4)],
  },
  'rows of each shard taken and added with gradients': {
    fn: ([gamma], [x, rows]) => {
      const { value, grads } = tf.valueAndGrads((gamma: tf.Tensor) => tf.sum(tf.sin(addScaledRows(x, tf.mul(takeRows(tf.mul(x, gamma), rows), 2), { gamma, rows, scale: 2 }))))([gamma]);
      return [value, ...grads];
    },
    shared: [normal(4)],
    batch: [normal(count, 5, 3, 4), rowsOf(5, 2)],
  },
  'a normalised weight with gradients': {
    fn: ([v, g], [x]) => tf.grads((v: tf.Tensor, g: tf.Tensor) => tf.sum(tf.sin(linear(x, weightNorm(v, g)))))([v, g]),
    shared: [normal(5, 4), normal(5, 1)],
    batch: [normal(count, 6, 4)],
  },
  'products of either operand and of both': {
    fn: ([a], [x, y]) => [tf.matMul(a, x), tf.matMul(x, a, true, true), tf.matMul(x, y, false, true), tf.matMul(tf.reshape(a, [1, 4, 5]), tf.reshape(x, [1, 5, 6]))],
    shared: [normal(4, 5)],
    batch: [normal(count, 5, 6), normal(count, 2, 6)],
  },
  'shapes, joins and reductions': {
    fn: ([a], [x]) => {
      const [top, rest] = tf.split(x, [1, 3], 0);
      const joined = tf.concat([tf.reshape(a, [1, 6]), rest, top], 0);
      return [
        tf.transpose(joined),
        tf.sum(joined, [0]),
        tf.max(joined, 1),
        tf.stack([a, tf.reshape(top, [6])], 1),
        tf.pad(x, [[1, 0], [0, 2]]),
        tf.softmax(joined, 1),
        tf.where(tf.greater(joined, 0), joined, tf.zerosLike(joined)),
        tf.tile(top, [2, 1]),
        tf.cast(tf.oneHot(tf.argMax(x, 1), 6), 'float32'),
        tf.gather(a, tf.argMax(x, 1)),
        tf.add(tf.sum(x), a),
      ];
    },
    shared: [normal(6)],
    batch: [normal(count, 4, 6)],
  },
};

describe('shards', () => {
  it.each(Object.entries(cases))('%s: the mean of what every shard gives', async (_, { fn, shared = [], batch }) => {
    const compiled = jit((s: Shared, b: tf.Tensor[]) => fn(s, b).map(acrossShards), { engine, shards: { count, arguments: [1] } });
    const actual = await compiled(shared, batch);
    const expected = meanOfShards(fn, shared, batch);
    expect(actual.map(({ shape }) => shape)).toEqual(expected.map(({ shape }) => shape));
    for (const [i, array] of actual.entries()) expectAllclose(await array.data(), expected[i].dataSync(), { rtol: 1e-5, atol: 1e-6 });
  });

  it('balances assignments over the rows of all shards', async () => {
    const logits = normal(count, 4, 7);
    const valid: HostArray = { shape: [count, 4], data: Float32Array.from({ length: 4 * count }, (_, i) => (i % 5 === 0 ? 0 : 1)) };
    const compiled = jit((x: tf.Tensor, v: tf.Tensor) => acrossShards(tf.square(sinkhornKnopp(x, 0.3, { valid: v }))), { engine, shards: { count, arguments: [0, 1] } });
    const whole = sinkhornKnopp(tf.reshape(tensor(logits), [4 * count, 7]), 0.3, { valid: tf.reshape(tensor(valid), [4 * count]) });
    const expected = tf.mean(tf.reshape(tf.square(whole), [count, 4, 7]), 0);
    expectAllclose(await (await compiled(logits, valid)).data(), expected.dataSync(), { rtol: 1e-5, atol: 1e-7 });
  });

  it('computes gradients of normalised weights once, from the mean over shards', () => {
    const compiled = jit((v: tf.Tensor, g: tf.Tensor, x: tf.Tensor) => tf.grads((v: tf.Tensor, g: tf.Tensor) => tf.sum(tf.sin(linear(x, weightNorm(v, g)))))([v, g]).map(acrossShards), { engine, shards: { count, arguments: [2] } });
    const spec = (...shape: number[]) => ({ shape, dtype: 'float32' as const });
    const { graph } = compiled.lower(spec(5, 4), spec(5, 1), spec(count, 6, 4));
    const gradients = graph.nodes.filter(({ op }) => op === 'WeightNormGrad');
    expect(gradients.map(({ outputs }) => outputs.map(({ shape }) => shape))).toEqual([[[5, 4], [5, 1]]]);
  });

  it('is nothing where there is one shard', async () => {
    const compiled = jit((x: tf.Tensor) => acrossShards(tf.square(x)), { engine });
    const { graph } = compiled.lower({ shape: [2], dtype: 'float32' });
    expect(graph.nodes.map(({ op }) => op)).toEqual(['Square']);
  });

  it('says what cannot be', async () => {
    const shards = { count, arguments: [0] };
    const spec = (...shape: number[]) => ({ shape, dtype: 'float32' as const });
    const differs = jit((x: tf.Tensor) => ({ loss: tf.sum(x) }), { engine, shards });
    expect(() => differs.lower(spec(count, 2))).toThrow(/result\.loss differs between the shards/);
    expect(() => differs.lower(spec(2, 2))).toThrow(/x has the shape \(2, 2\); its first axis counts shards, of which there are 3/);
    const conv = jit((x: tf.Tensor4D) => acrossShards(tf.conv2d(x, tf.ones([2, 2, 1, 1]) as tf.Tensor4D, 1, 'valid')), { engine, shards });
    expect(() => conv.lower(spec(count, 1, 3, 3, 1) as never)).toThrow(/Conv2D .*cannot be computed for several shards/);
  });
});
