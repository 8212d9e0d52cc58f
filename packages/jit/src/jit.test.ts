import '@tensorflow/tfjs';
import * as tf from '@tensorflow/tfjs-core';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type DeviceArray, eagerEngine, formatProfile, type Graph, jit as compile, JitError } from './index';

const engine = eagerEngine({ backend: 'cpu' });
const host = (...values: number[]) => ({ data: Float32Array.from(values), shape: [values.length] });

const compiled: { dispose(): void }[] = [];

const jit: typeof compile = (fn, options) => {
  const step = compile(fn, options);
  compiled.push(step);
  return step;
};

let before = 0;
beforeEach(async () => {
  await tf.setBackend('cpu');
  before = tf.memory().numTensors;
});
afterEach(async () => {
  compiled.splice(0).forEach((step) => step.dispose());
  // Executables are freed once their compilation has settled.
  await new Promise(setImmediate);
  expect(tf.memory().numTensors).toBe(before);
});

async function read(array: DeviceArray): Promise<number[]> {
  const data = [...(await array.data())];
  array.dispose();
  return data;
}

/** A model of two parameters: mean((x·w + b)²). */
const loss = (x: tf.Tensor) => (w: tf.Tensor, b: tf.Tensor) => tf.mean(tf.square(tf.add(tf.matMul(x, w), b))) as tf.Scalar;

describe('jit', () => {
  it('computes a function and its gradients over trees', async () => {
    const step = jit(
      ({ w, b }: { w: tf.Tensor; b: tf.Tensor }, x: tf.Tensor) => {
        const { value, grads } = tf.valueAndGrads(loss(x))([w, b]);
        return { loss: value, grads: { w: grads[0], b: grads[1] } };
      },
      { engine },
    );
    const w = { data: Float32Array.of(1, 2, 3, 4), shape: [2, 2] };
    const result = await step({ w, b: host(0, 1) }, { data: Float32Array.of(1, 1), shape: [1, 2] });
    // x·w + b = [4, 7]; mean square = 32.5; d/db = [4, 7]; d/dw repeats it for both ones of x.
    expect(await read(result.loss)).toEqual([32.5]);
    expect(await read(result.grads.b)).toEqual([4, 7]);
    expect(await read(result.grads.w)).toEqual([4, 7, 4, 7]);
  });

  it('takes variables as arguments, for variableGrads', async () => {
    const w = tf.tidy(() => tf.variable(tf.tensor1d([1, 2]), true, 'w'));
    const frozen = tf.tidy(() => tf.variable(tf.tensor1d([5, 5]), false, 'frozen'));
    const unrelated = tf.tidy(() => tf.variable(tf.ones([100_000]), true, 'unrelated'));
    const step = jit(
      (variables: { w: tf.Tensor; frozen: tf.Tensor }) => {
        const { value, grads } = tf.variableGrads(() => tf.sum(tf.mul(tf.square(variables.w), variables.frozen)) as tf.Scalar);
        return { value, grads };
      },
      { engine },
    );
    const { value, grads } = await step({ w, frozen });
    expect(await read(value)).toEqual([25]);
    expect(Object.keys(grads)).toEqual(['w']);
    expect(await read(grads.w)).toEqual([10, 20]);
    expect(tf.engine().registeredVariables).toEqual({ w, frozen, unrelated });
    tf.dispose([w, frozen, unrelated]);
  });

  it('traces customGrad', async () => {
    const double = tf.customGrad((x, save) => {
      (save as tf.GradSaveFunc)([x as tf.Tensor]);
      return { value: tf.square(x as tf.Tensor), gradFunc: (dy, saved) => tf.mul(dy as tf.Tensor, tf.mul(saved[0], 100)) };
    });
    const step = jit((x: tf.Tensor) => tf.grad((y) => tf.sum(double(y)))(x), { engine });
    expect(await read(await step(host(1, 2)))).toEqual([100, 200]);
  });

  it('takes numbers, tensors, host arrays and its own results', async () => {
    const step = jit((x: tf.Tensor, factor: tf.Tensor) => tf.mul(x, factor), { engine });
    const tensor = tf.tensor1d([1, 2]);
    const once = await step(tensor, 3);
    const twice = await step(once, 0.5);
    expect(await read(twice)).toEqual([1.5, 3]);
    expect(await read(once)).toEqual([3, 6]);
    expect(tensor.isDisposed).toBe(false);
    tensor.dispose();
  });

  it('keeps int32 and bool as such', async () => {
    const step = jit((i: tf.Tensor, b: tf.Tensor) => [tf.add(i, i), tf.logicalNot(b)], { engine });
    const [i, b] = await step({ data: Int32Array.of(3), shape: [1] }, { data: Uint8Array.of(1, 0), shape: [2] });
    expect([i.dtype, b.dtype]).toEqual(['int32', 'bool']);
    expect(await i.data()).toEqual(Int32Array.of(6));
    expect(await b.data()).toEqual(Uint8Array.of(0, 1));
    [i, b].forEach((array) => array.dispose());
  });

  it('bakes small captured tensors and host data in', async () => {
    const captured = tf.tensor1d([10, 20]);
    const step = jit((x: tf.Tensor) => tf.add(tf.mul(x, captured), [1, 2]), { engine });
    expect(await read(await step(host(1, 2)))).toEqual([11, 42]);
    captured.dispose();
    expect(await read(await step(host(2, 3)))).toEqual([21, 62]);
  });

  it('gives outputs of their own for inputs and values returned twice', async () => {
    const step = jit((x: tf.Tensor) => { const y = tf.neg(x); return [x, y, y, x]; }, { engine });
    const x = engine.put(Float32Array.of(1), [1], 'float32');
    const results = await step(x);
    expect(new Set(results).size).toBe(4);
    x.dispose();
    expect(await Promise.all(results.map(read))).toEqual([[1], [-1], [-1], [1]]);
  });

  it('traces once for each structure, shape and type', async () => {
    let traces = 0;
    const step = jit((x: { a: tf.Tensor; b?: tf.Tensor }) => { traces++; return x.b === undefined ? tf.neg(x.a) : tf.add(x.a, x.b); }, { engine });
    const calls = [
      { a: host(1) }, { a: host(2) },
      { a: host(1, 2) }, { a: host(3, 4) },
      { a: host(1), b: host(2) }, { b: host(2), a: host(1) },
      { a: { data: Int32Array.of(1), shape: [1] } },
    ];
    for (const call of calls) (await step(call)).dispose();
    expect(traces).toBe(4);
  });

  it('compiles ahead, and lowers shapes without values or an engine', async () => {
    const step = jit((x: tf.Tensor, w: tf.Tensor) => tf.matMul(x, w), { engine });
    const x = { shape: [8, 1000], dtype: 'float32' as const };
    const w = { shape: [1000, 50], dtype: 'float32' as const };
    const { cost, graph } = step.lower(x, w);
    expect(cost.flops).toBe(2 * 8 * 1000 * 50);
    expect(cost.inputBytes).toBe(4 * (8 * 1000 + 1000 * 50));
    expect(cost.outputBytes).toBe(4 * 8 * 50);
    expect(cost.peakBytes).toBe(cost.inputBytes + cost.outputBytes);
    expect(cost.bytesMoved).toBe(cost.peakBytes);
    expect(graph.nodes.map(({ op }) => op)).toEqual(['BatchMatMul']);
    const { memory } = await step.compile(x, w);
    expect(memory).toEqual({ temporary: 0, inputs: cost.inputBytes, outputs: cost.outputBytes });
  });

  it('prints graph and cost', () => {
    const step = jit((x: tf.Tensor) => tf.relu(tf.add(tf.sum(x, 0), 1)), { engine });
    expect(step.lower({ shape: [4, 3], dtype: 'float32' }).toString()).toMatchInlineSnapshot(`
      "graph(%0: float32[4,3])
        %2: float32[] = constant(1)
        %1: float32[3] = Sum(x=%0; axis=[0], keepDims=false)
        %3: float32[3] = Add(a=%1, b=%2)
        %4: float32[3] = Relu(x=%3)
        return %4
      3 nodes, 18.0 FLOP, 112 B moved, peak 76 B (inputs 48 B, constants 4 B, outputs 12 B)"
    `);
  });

  it('profiles', async () => {
    const step = jit((x: tf.Tensor) => tf.exp(tf.matMul(x, x)), { engine });
    const { result, entries } = await step.profile({ data: new Float32Array(4), shape: [2, 2] });
    result.dispose();
    expect(entries.map(({ op, kernel, calls, flops }) => ({ op, kernel, calls, flops })).sort((a, b) => (a.op < b.op ? -1 : 1))).toEqual([
      { op: 'BatchMatMul', kernel: 'tfjs:cpu', calls: 1, flops: 16 },
      { op: 'Exp', kernel: 'tfjs:cpu', calls: 1, flops: 32 },
    ]);
    expect(formatProfile(entries)).toMatch(/ms +share +calls +GFLOP\/s +op +kernel +scope\n(.*\n)*.*ms in total/);
  });

  it('applies a precision policy to the graph', async () => {
    const seen: string[] = [];
    const precision = { name: 'marked', apply: (graph: Graph): Graph => { seen.push(...graph.nodes.map(({ op }) => op)); return graph; } };
    jit((x: tf.Tensor) => tf.neg(x), { engine, precision }).lower(host(1));
    expect(seen).toEqual(['Neg']);
  });
});

describe('donation', () => {
  const sgd = () =>
    jit(
      (state: { w: tf.Tensor; steps: tf.Tensor }, gradient: tf.Tensor) => ({
        loss: tf.sum(gradient),
        state: { w: tf.sub(state.w, gradient), steps: tf.add(state.steps, 1) },
      }),
      { engine, donate: [0] },
    );

  it('uses the donated arrays up and returns new ones', async () => {
    const step = sgd();
    let state = { w: engine.put(Float32Array.of(1, 2), [2], 'float32'), steps: engine.put(Float32Array.of(0), [], 'float32') };
    const first = state;
    for (let i = 0; i < 3; i++) {
      const result = await step(state, host(0.5, 0.25));
      result.loss.dispose();
      state = result.state;
    }
    expect([first.w.isDisposed, first.steps.isDisposed]).toEqual([true, true]);
    await expect(step(first, host(1, 1))).rejects.toThrow(/state\.\w+ is disposed.*donated/);
    expect(await read(state.w)).toEqual([-0.5, 1.25]);
    expect(await read(state.steps)).toEqual([3]);
  });

  it('reports memory without the outputs that replace donated inputs', async () => {
    const { memory } = await sgd().compile({ w: { shape: [2], dtype: 'float32' }, steps: { shape: [], dtype: 'float32' } }, { shape: [2], dtype: 'float32' });
    expect(memory.outputs).toBe(4);
  });

  it('refuses an array that is passed twice', async () => {
    const step = jit((a: tf.Tensor, b: tf.Tensor) => tf.add(a, b), { engine, donate: [0] });
    const x = engine.put(Float32Array.of(1), [1], 'float32');
    await expect(step(x, x)).rejects.toThrow(JitError);
    expect(x.isDisposed).toBe(false);
    x.dispose();
  });
});
