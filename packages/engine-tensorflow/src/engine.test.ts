import '@tensorflow/tfjs';
import * as tf from '@tensorflow/tfjs-core';
import { eagerEngine, jit, type DeviceArray, type Engine, type Graph, type Value } from '@dinov2/jit';
import { beforeAll, describe, expect, it } from 'vitest';
import { expectAllclose } from '../../../tests/support/allclose';
import { describeTensorflow, engine as sharedEngine } from './engine.testing';
import { loadTfjsNode } from './index';

let engine: Engine;
beforeAll(() => tf.setBackend('cpu'));

describeTensorflow('tensorflowEngine', () => {
  beforeAll(async () => {
    engine = await sharedEngine();
  });

  it('trains a small MLP like tfjs on its CPU backend', async () => {
    const random = (shape: number[], seed: number) => tf.randomNormal(shape, 0, 0.5, 'float32', seed);
    const x = random([16, 8], 1);
    const y = random([16, 3], 2);
    const parameters = { w1: random([8, 32], 3), b1: random([32], 4), w2: random([32, 3], 5), b2: random([3], 6) };
    type Parameters = Record<keyof typeof parameters, tf.Tensor>;
    const step = ({ w1, b1, w2, b2 }: Parameters, input: tf.Tensor, target: tf.Tensor) => {
      const { value, grads } = tf.valueAndGrads((a: tf.Tensor, c: tf.Tensor, d: tf.Tensor, e: tf.Tensor) => {
        const hidden = tf.relu(tf.add(tf.matMul(input as tf.Tensor2D, a as tf.Tensor2D), c));
        const out = tf.add(tf.matMul(hidden as tf.Tensor2D, d as tf.Tensor2D), e);
        return tf.mean(tf.squaredDifference(out, target)) as tf.Scalar;
      })([w1, b1, w2, b2]);
      const [n1, n2, n3, n4] = [w1, b1, w2, b2].map((p, i) => tf.sub(p, tf.mul(grads[i], 0.1)));
      return { parameters: { w1: n1, b1: n2, w2: n3, b2: n4 } as Parameters, loss: value };
    };
    const compiled = jit(step, { engine, donate: [0] });
    let expected = parameters as Parameters;
    let state: Parameters | Record<keyof Parameters, DeviceArray> = parameters;
    for (let i = 0; i < 5; i++) {
      const eager = step(expected, x, y);
      const result: { parameters: Record<keyof Parameters, DeviceArray>; loss: DeviceArray } = await compiled(state, x, y);
      expectAllclose(await result.loss.data(), await eager.loss.data(), { rtol: 1e-5, atol: 1e-6 });
      expected = eager.parameters;
      state = result.parameters;
    }
    const trained = state as Record<keyof Parameters, DeviceArray>;
    for (const name of ['w1', 'b1', 'w2', 'b2'] as const) {
      expectAllclose(await trained[name].data(), await expected[name].data(), { rtol: 1e-5, atol: 1e-6 });
    }
    expect(engine.info.name).toBe('tensorflow');
  });

  const vector = (data: Float32Array) => engine.put(data, [data.length], 'float32');

  it('takes donated arrays, also those that are read again afterwards', async () => {
    const size = 1 << 16;
    const update = (p: tf.Tensor, g: tf.Tensor) => ({ p: tf.sub(p, g), largest: tf.max(p) });
    const compiled = jit(update, { engine, donate: [0] });
    const p = vector(Float32Array.from({ length: size }, (_, i) => i));
    const g = vector(new Float32Array(size).fill(1));
    const first = await compiled(p, g);
    expect(p.isDisposed).toBe(true);
    await expect(compiled(p, g)).rejects.toThrow(/disposed/);
    const second = await compiled(first.p, g);
    expect((await second.p.data()).slice(0, 3)).toEqual(Float32Array.of(-2, -1, 0));
    expect(await second.largest.data()).toEqual(Float32Array.of(size - 2));
    compiled.dispose();
    // Results stay after what computed them.
    expect((await second.p.data()).slice(0, 3)).toEqual(Float32Array.of(-2, -1, 0));
  });

  it('keeps a result that another run would write over', async () => {
    const add = jit((p: tf.Tensor, g: tf.Tensor) => tf.add(p, g), { engine, donate: [0] });
    const one = vector(Float32Array.of(1));
    const first = await add(vector(Float32Array.of(1)), one);
    const second = await add(vector(Float32Array.of(10)), one);
    const third = await add(second, one);
    expect(await first.data()).toEqual(Float32Array.of(2));
    expect(await third.data()).toEqual(Float32Array.of(12));
    const other = jit((p: tf.Tensor, g: tf.Tensor) => tf.mul(p, g), { engine, donate: [0] });
    expect(await (await other(third, first)).data()).toEqual(Float32Array.of(24));
    expect(await first.data()).toEqual(Float32Array.of(2));
  });

  it('holds arrays that come again in variables, and notices others', async () => {
    const size = 1 << 15; // larger than what is always fed
    const scale = jit((x: tf.Tensor, weights: tf.Tensor) => tf.sum(tf.mul(x, weights)), { engine });
    const filled = (value: number) => vector(new Float32Array(size).fill(value));
    const [weights, others] = [filled(2), filled(3)];
    const result = async (x: number, w: DeviceArray) => (await (await scale(filled(x), w)).data())[0] / size;
    expect([await result(1, weights), await result(2, weights), await result(3, weights)]).toEqual([2, 4, 6]);
    expect([await result(1, others), await result(1, weights), await result(1, weights), await result(1, others), await result(2, others)]).toEqual([3, 2, 2, 3, 6]);
    expect((await weights.data())[7]).toBe(2);
  });

  it('holds large constants in variables', async () => {
    const weights = { shape: [256, 256], data: Float32Array.from({ length: 1 << 16 }, (_, i) => i % 7) };
    const product = jit((x: tf.Tensor, w: tf.Tensor) => tf.matMul(x as tf.Tensor2D, w as tf.Tensor2D), { engine, constant: [1] });
    const ones = { shape: [1, 256], data: new Float32Array(256).fill(1) };
    const expected = Float32Array.from({ length: 256 }, (_, column) => {
      let sum = 0;
      for (let row = 0; row < 256; row++) sum += weights.data[row * 256 + column];
      return sum;
    });
    for (let i = 0; i < 2; i++) expect(await (await product(ones, weights)).data()).toEqual(expected);
  });

  it('exchanges two donated arrays', async () => {
    const executable = await engine.compile(exchange(), { donations: [[0, 0], [1, 1]] });
    let state: DeviceArray[] = [vector(Float32Array.of(1, 2)), vector(Float32Array.of(3, 4))];
    for (let i = 0; i < 3; i++) state = await executable.run(state);
    expect(await state[0].data()).toEqual(Float32Array.of(3, 4));
    expect(await state[1].data()).toEqual(Float32Array.of(1, 2));
  });

  it('books the work and the time of a run as a whole', async () => {
    const compiled = jit((a: tf.Tensor2D, b: tf.Tensor2D) => tf.relu(tf.matMul(a, b)), { engine });
    const matrix = engine.put(new Float32Array(64 * 64), [64, 64], 'float32');
    const { entries } = await compiled.profile(matrix, matrix);
    expect(entries).toMatchObject([{ kernel: 'tensorflow:session', calls: 1 }]);
    expect(entries[0].flops).toBeGreaterThanOrEqual(2 * 64 ** 3);
  });

  const spec = (id: number, shape: number[]): Value => ({ id, shape, dtype: 'float32' });
  const relu = (): Graph => {
    const [x, y] = [spec(0, [2]), spec(1, [2])];
    return { inputs: [x], outputs: [y], nodes: [{ op: 'Relu', inputs: { x }, attributes: {}, outputs: [y] }], constants: new Map() };
  };

  const exchange = (): Graph => {
    const [x, y, a, b] = [0, 1, 2, 3].map((id) => spec(id, [2]));
    const identity = (from: Value, to: Value) => ({ op: 'Identity', inputs: { x: from }, attributes: {}, outputs: [to] });
    return { inputs: [x, y], outputs: [a, b], nodes: [identity(y, a), identity(x, b)], constants: new Map() };
  };

  it('runs calls that overlap one after the other, on arrays that are disposed meanwhile', async () => {
    const executable = await engine.compile(relu(), { donations: [] });
    const inputs = Array.from({ length: 8 }, (_, i) => vector(Float32Array.of(-i, i)));
    const running = inputs.map((input) => executable.run([input]));
    inputs.forEach((input) => input.dispose());
    const results = await Promise.all(running);
    expect(await Promise.all(results.map(async ([y]) => (await y.data())[1]))).toEqual([0, 1, 2, 3, 4, 5, 6, 7]);
    executable.dispose();
  });

  it('refuses arrays that do not fit the graph, and keeps them', async () => {
    const executable = await engine.compile(relu(), { donations: [[0, 0]] });
    const three = vector(new Float32Array(3));
    await expect(executable.run([three])).rejects.toThrow(/input 0 is float32 \(3\), the graph was compiled for float32 \(2\)/);
    await expect(executable.run([])).rejects.toThrow(/1 inputs and 0 arrays/);
    expect(three.isDisposed).toBe(false);
    const other = eagerEngine({ backend: 'cpu' }).put(new Float32Array(2), [2], 'float32');
    await expect(executable.run([other])).rejects.toThrow(/not an array of this engine/);
    expect(() => engine.put(new Float32Array(2), [3], 'float32')).toThrow(/2 values do not fill the shape \(3\)/);
    executable.dispose();
    await expect(executable.run([vector(new Float32Array(2))])).rejects.toThrow(/disposed; compile the graph again/);
  });

  it('names an op it cannot run, where it was called, and what it can', async () => {
    const graph = relu();
    const [node] = graph.nodes;
    const unknown = { ...graph, nodes: [{ ...node, op: 'FFT', scope: 'block.1', source: 'model.ts:12:3' }] };
    await expect(engine.compile(unknown, { donations: [] })).rejects.toThrow(/op FFT \(in block.1 at model.ts:12:3\).*Supported: Abs, /);
  });

  it('leaves the backend of tfjs as it was', async () => {
    const compiled = jit((x: tf.Tensor) => tf.square(x), { engine });
    const y = await compiled(tf.tensor1d([3]));
    expect(await y.data()).toEqual(Float32Array.of(9));
    expect(tf.getBackend()).toBe('cpu');
  });
});

describe('loadTfjsNode', () => {
  it('says how to build what is missing', async () => {
    await expect(loadTfjsNode('/nowhere')).rejects.toThrow(/no tfjs-node in \/nowhere.*dinov2-build-tfjs-node --python/);
  });
});
