import '@tensorflow/tfjs';
import * as tf from '@tensorflow/tfjs-core';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { eagerEngine, jit } from './index';

let before = 0;

beforeEach(async () => {
  await tf.setBackend('cpu');
  before = tf.memory().numTensors;
});
afterEach(async () => {
  await new Promise(setImmediate);
  expect(tf.memory().numTensors).toBe(before);
});

describe('eagerEngine', () => {
  it('runs on a named backend and gives the current one back', async () => {
    tf.registerBackend('second', tf.engine().findBackendFactory('cpu'), 0);
    tf.copyRegisteredKernels('cpu', 'second');
    const step = jit((x: tf.Tensor) => tf.exp(x), { engine: eagerEngine({ backend: 'second' }) });
    const y = await step({ data: Float32Array.of(0), shape: [1] });
    expect(tf.getBackend()).toBe('cpu');
    expect(await y.data()).toEqual(Float32Array.of(1));
    const { result, entries } = await step.profile(0);
    expect(entries[0].kernel).toBe('tfjs:second');
    y.dispose();
    result.dispose();
    tf.removeBackend('second');
  });

  it('names a backend that is not there', () => {
    expect(() => eagerEngine({ backend: 'nowhere' }).put(Float32Array.of(1), [1], 'float32')).toThrow(/tfjs backend "nowhere" is not registered/);
  });

  it('names a kernel that the backend lacks, with the place, and frees what it had computed', async () => {
    const step = jit((x: tf.Tensor) => tf.diag(tf.exp(x) as tf.Tensor1D), { engine: eagerEngine() });
    const kernel = tf.getKernel('Diag', 'cpu');
    tf.unregisterKernel('Diag', 'cpu');
    try {
      await expect(step({ data: Float32Array.of(1), shape: [1] })).rejects.toThrow(/"cpu" has no kernel Diag, called at .*eager-engine\.test\.ts:\d+/);
    } finally {
      tf.registerKernel(kernel);
    }
  });

  it('refuses arrays that are used up or of another engine', async () => {
    const engine = eagerEngine();
    const executable = await engine.compile(jit((x: tf.Tensor) => tf.neg(x), { engine }).lower(1).graph, { donations: [] });
    const array = engine.put(Float32Array.of(1), [], 'float32');
    array.dispose();
    await expect(executable.run([array])).rejects.toThrow(/after it was disposed or donated/);
    await expect(executable.run([{ ...array, shape: [], dtype: 'float32', isDisposed: false } as never])).rejects.toThrow(/another engine/);
    executable.dispose();
  });

  it('reports the peak of what it holds between inputs and outputs', async () => {
    const n = 1000;
    const step = jit((x: tf.Tensor) => tf.sum(tf.exp(tf.sin(tf.cos(x)))), { engine: eagerEngine() });
    const { memory } = await step.compile({ shape: [n], dtype: 'float32' });
    // Never more than two of the intermediate vectors at once.
    expect(memory.temporary).toBe(2 * 4 * n);
  });
});
