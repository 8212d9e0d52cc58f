import '@tensorflow/tfjs';
import * as tf from '@tensorflow/tfjs-core';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { eagerEngine, jit, JitError } from './index';

const engine = eagerEngine({ backend: 'cpu' });
const x = { data: Float32Array.of(1, 2, 3), shape: [3] };

let before = 0;
beforeEach(async () => {
  await tf.setBackend('cpu');
  before = tf.memory().numTensors;
});
afterEach(() => {
  expect(tf.getBackend()).toBe('cpu');
  expect(tf.memory().numTensors).toBe(before);
});

async function messageOf(fn: (x: tf.Tensor) => unknown): Promise<string> {
  const error: unknown = await jit(fn, { engine })(x).then(
    () => undefined,
    (e: unknown) => e,
  );
  expect(error).toBeInstanceOf(JitError);
  return (error as JitError).message;
}

describe('what a traced function must not do', () => {
  it.each<[string, (x: tf.Tensor) => unknown, RegExp]>([
    ['an op without a rule', (a) => tf.unique(a).values, /The op Unique at .*errors\.test\.ts:\d+:\d+ cannot be compiled\. Supported: Abs, .*Transpose/],
    ['complex numbers', (a) => tf.real(tf.complex(a, a)), /The op Complex at .*errors\.test\.ts/],
    ['randomNormal', (a) => tf.add(a, tf.randomNormal([3])), /tf\.randomNormal draws random numbers on the host at .*errors\.test\.ts:\d+:\d+.*pass them as an argument/],
    ['randomUniform', (a) => tf.add(a, tf.randomUniform([])), /tf\.randomUniform draws/],
    ['truncatedNormal', (a) => tf.add(a, tf.truncatedNormal([3])), /tf\.truncatedNormal draws/],
    ['dropout', (a) => tf.dropout(a, 0.5), /tf\.dropout draws/],
    ['multinomial', (a) => tf.multinomial(a as tf.Tensor1D, 2), /tf\.multinomial draws random numbers at .*errors\.test\.ts/],
    ['dataSync', (a) => tf.scalar(a.dataSync()[0]), /values are read inside a compiled function at .*errors\.test\.ts:\d+:\d+/],
    ['print', (a) => (a.print(), a), /values are read/],
    ['data without waiting', (a) => (void a.data(), a), /values are read/],
    ['an async function', async (a) => a, /is async/],
    ['an async function that reads', async (a) => tf.tensor(await a.data()), /values are read/],
    ['a number as result', () => ({ loss: 3 }), /returned the number 3 at result\.loss.*tf\.scalar/],
    ['nothing as result', () => undefined, /returned no tensor/],
    ['large host data', (a) => tf.add(a, tf.tensor(Float32Array.from({ length: 99_999 }, (_, i) => i), [33_333, 3])), /Host data of \(33333, 3\) float32, 391 KiB, .*errors\.test\.ts:\d+:\d+.*argument/],
    ['strings', () => tf.tensor(['a', 'b']), /has type string at .*errors\.test\.ts/],
    ['a gradient that tfjs lacks', (a) => tf.grad((b) => tf.cumprod(b))(a), /The op Cumprod has no gradient.*tf\.customGrad/],
  ])('%s', async (_, fn, message) => {
    expect(await messageOf(fn)).toMatch(message);
  });

  it('use a variable that is not an argument', async () => {
    const weight = tf.tidy(() => tf.variable(tf.ones([3]), true, 'weight'));
    const message = await messageOf((a) => tf.mul(a, weight));
    weight.dispose();
    expect(message).toMatch(/The variable "weight" \(3\) float32 .*errors\.test\.ts:\d+:\d+.*argument/);
  });

  it('assign a variable', async () => {
    const weight = tf.tidy(() => tf.variable(tf.ones([3]), true, 'weight'));
    const message = await messageOf((a) => (weight.assign(a as tf.Tensor1D), a));
    expect([...weight.dataSync()]).toEqual([1, 1, 1]);
    weight.dispose();
    expect(message).toMatch(/The variable "weight" is assigned inside a compiled function at .*errors\.test\.ts/);
  });

  it('capture a large tensor', async () => {
    const table = tf.ones([200, 100]);
    const message = await messageOf((a) => tf.add(tf.sum(table), a));
    table.dispose();
    expect(message).toMatch(/A tensor of \(200, 100\) float32, 79 KiB, is used .*errors\.test\.ts:\d+:\d+/);
  });

  it('call another compiled function', async () => {
    const inner = jit((a: tf.Tensor) => a, { engine });
    expect(await messageOf((a) => (inner.lower(a), a))).toMatch(/inside another one/);
  });

  it('be called inside a gradient', () => {
    const inner = jit((a: tf.Tensor) => a, { engine });
    tf.tidy(() => {
      expect(() => tf.grad((a) => (inner.lower(a), a))(tf.ones([3]))).toThrow(/inside tf\.grad/);
    });
  });

  it('fails as tfjs does on shapes that do not fit, without leaking saved tensors', async () => {
    const step = jit((a: tf.Tensor) => tf.grad((b) => tf.add(tf.square(b), tf.keep(tf.ones([2]))))(a), { engine });
    await expect(step(x)).rejects.toThrow(/3.*2|broadcast/);
  });
});

describe('arguments', () => {
  const step = jit(
    (state: { params: Record<string, tf.Tensor> }, ...rest: tf.Tensor[]) => tf.addN([...Object.values(state.params), ...rest]),
    { engine },
  );

  it.each<[string, unknown, RegExp]>([
    ['a string', 'a', /state\.params\["blocks\.0\.w"\] is the string a/],
    ['float64', { data: Float64Array.of(1), shape: [1] }, /holds a Float64Array/],
    ['a shape that does not fit', { data: Float32Array.of(1), shape: [2] }, /has 1 values for the shape \(2\), which holds 2/],
    ['only a shape', { shape: [1], dtype: 'float32' }, /state\.params\["blocks\.0\.w"\] is only a shape/],
  ])('%s', async (_, leaf, message) => {
    await expect(step({ params: { 'blocks.0.w': leaf as never } })).rejects.toThrow(message);
    step.dispose();
  });

  it('a donated position that the call does not have', async () => {
    const donating = jit((x: tf.Tensor) => tf.add(x, 1), { engine, donate: [1] });
    await expect(donating(1)).rejects.toThrow('donate names argument 1 of a call with 1');
  });

  it('an array that was disposed', async () => {
    const array = engine.put(Float32Array.of(1), [1], 'float32');
    array.dispose();
    await expect(step({ params: { w: array } })).rejects.toThrow(/state\.params\.w is disposed/);
  });
});

it('says that a tensor has no part in the result that is differentiated by it', async () => {
  expect(await messageOf((a) => tf.grads((b, _unused) => tf.square(b))([a, tf.neg(a)])[0])).toMatch(
    /function at .*errors\.test\.ts:\d+:\d+ does not depend on one of the tensors.*Leave that tensor out/,
  );
});

it('says to import the gradients where none are registered', async () => {
  const gradient = tf.getGradient('Add');
  const log = tf.getGradient('Log');
  tf.unregisterGradient('Add');
  tf.unregisterGradient('Log');
  try {
    expect(await messageOf((a) => tf.grad((b) => tf.log(b))(a))).toMatch(/No gradients are registered: import '@tensorflow\/tfjs'/);
  } finally {
    tf.registerGradient(gradient);
    tf.registerGradient(log);
  }
});
