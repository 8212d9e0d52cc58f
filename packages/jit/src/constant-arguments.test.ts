import '@tensorflow/tfjs';
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { type DeviceArray, eagerEngine, type Engine, type Graph, jit, JitError } from './index';

const inner = eagerEngine({ backend: 'cpu' });
beforeAll(() => tf.setBackend('cpu'));

/** An engine that keeps the graphs it is given. */
function recording(): { engine: Engine; graphs: Graph[] } {
  const graphs: Graph[] = [];
  return { graphs, engine: { ...inner, compile: (graph, options) => (graphs.push(graph), inner.compile(graph, options)) } };
}

const host = (shape: number[], ...values: number[]) => ({ data: Float32Array.from(values), shape });
const ops = ({ nodes }: Graph) => nodes.map(({ op }) => op);

async function read(array: DeviceArray): Promise<number[]> {
  const data = [...(await array.data())];
  array.dispose();
  return data;
}

/** x · (w + v)ᵀ: the sum depends on the weights alone. */
const product = ({ w, v }: { w: tf.Tensor; v: tf.Tensor }, x: tf.Tensor) => tf.matMul(x, tf.add(w, v), false, true);
const weights = () => ({ w: host([2, 2], 1, 2, 3, 4), v: host([2, 2], 0, 0, 0, 1) });

describe('constant arguments', () => {
  it('are compiled in, and what depends on them alone is computed once', async () => {
    const { engine, graphs } = recording();
    const run = jit(product, { engine, constant: [0] });
    const params = weights();
    // [1, 2] · [[1, 2], [3, 5]]ᵀ
    expect(await read(await run(params, host([1, 2], 1, 2)))).toEqual([5, 13]);
    expect(await read(await run(params, host([1, 2], 0, 1)))).toEqual([2, 5]);
    expect(graphs.map(ops)).toEqual([['Add'], ['BatchMatMul']]);
    expect(graphs[1].inputs).toHaveLength(1);
    expect([...graphs[1].constants.values()].map((data) => [...data])).toEqual([[1, 2, 3, 5]]);
    run.dispose();
  });

  it('may be tensors, numbers or arrays of the engine', async () => {
    const run = jit(([w, factor]: [tf.Tensor, tf.Tensor], x: tf.Tensor) => tf.add(tf.mul(w, factor), x), {
      engine: inner,
      constant: [0],
    });
    const w = inner.put(Float32Array.of(1, 2), [2], 'float32');
    const first: [DeviceArray, number] = [w, 10];
    expect(await read(await run(first, host([2], 1, 1)))).toEqual([11, 21]);
    expect(await read(await run(first, host([2], 2, 2)))).toEqual([12, 22]);
    run.dispose();
    w.dispose();
  });

  it('stay where an output is one of them, and where the result would be larger', async () => {
    const { engine, graphs } = recording();
    const run = jit((w: tf.Tensor, x: tf.Tensor) => [tf.square(w), tf.add(tf.tile(tf.sqrt(w), [3]), x)], { engine, constant: [0] });
    const [square, sum] = await run(host([2], 4, 9), host([6], 0, 0, 0, 1, 1, 1));
    expect(await read(square)).toEqual([16, 81]);
    expect(await read(sum)).toEqual([2, 3, 2, 4, 3, 4]);
    expect(graphs.map(ops)).toEqual([['Sqrt'], ['Square', 'Tile', 'Add']]);
    run.dispose();
  });

  it('leave donations of other arguments to the right inputs', async () => {
    const { engine } = recording();
    const step = jit((w: tf.Tensor, state: tf.Tensor) => tf.add(w, state), { engine, constant: [0], donate: [1] });
    const w = host([2], 1, 2);
    const state = engine.put(Float32Array.of(5, 6), [2], 'float32');
    const next = await step(w, state);
    expect(state.isDisposed).toBe(true);
    expect(await read(next)).toEqual([6, 8]);
    step.dispose();
  });

  it('are compiled for each shape of the other arguments', async () => {
    const run = jit(product, { engine: inner, constant: [0] });
    const params = weights();
    expect(await read(await run(params, host([1, 2], 1, 2)))).toEqual([5, 13]);
    expect(await read(await run(params, host([2, 2], 1, 2, 0, 1)))).toEqual([5, 13, 2, 5]);
    run.dispose();
  });

  it('refuse other arrays, shapes without values, and donation', async () => {
    const run = jit(product, { engine: inner, constant: [0] });
    const params = weights();
    const x = host([1, 2], 1, 2);
    await expect(run.compile({ w: { shape: [2, 2], dtype: 'float32' }, v: params.v }, x)).rejects.toThrow(/w is only a shape/);
    (await run(params, x)).dispose();
    await expect(run({ ...params, v: host([2, 2], 0, 0, 0, 0) }, x)).rejects.toThrow(/v is constant, and this call passes another array/);
    run.dispose();
    const both = jit(product, { engine: inner, constant: [0], donate: [0] });
    await expect(both(params, x)).rejects.toThrow(JitError);
    const beyond = jit(product, { engine: inner, constant: [2] });
    await expect(beyond(params, x)).rejects.toThrow(/constant names argument 2 of a call with 2/);
  });
});
