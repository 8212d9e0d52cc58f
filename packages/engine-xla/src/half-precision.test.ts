import '@tensorflow/tfjs';
import * as tf from '@tensorflow/tfjs-core';
import { type Engine, type HalfType, jit, mixedPrecision, type Node, type Value } from '@dinov2/jit';
import { attention, createRandom } from '@dinov2/primitives';
import { beforeAll, expect, it } from 'vitest';
import { expectAllclose } from '../../../tests/support/allclose';
import { describeXla, engine as sharedEngine, skipped } from './engine.testing';

let engine: Engine;
beforeAll(() => tf.setBackend('cpu'));

const random = createRandom(7);
const normal = (shape: readonly number[]) => ({ shape, data: Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, () => random.normal()) });

/** To the nearest number with this many bits of fraction, ties to even; normal numbers only. */
function rounded(values: ArrayLike<number>, type: HalfType): Float32Array {
  const fraction = type === 'bfloat16' ? 7 : 10;
  return Float32Array.from(values, (value) => {
    if (value === 0) return 0;
    const step = 2 ** (Math.floor(Math.log2(Math.abs(value))) - fraction);
    const quotient = value / step;
    const floor = Math.floor(quotient);
    const up = quotient - floor > 0.5 || (quotient - floor === 0.5 && floor % 2 !== 0);
    return (floor + (up ? 1 : 0)) * step;
  });
}

describeXla.each<HalfType>(['bfloat16', 'float16'])(`%s${skipped}`, (type) => {
  beforeAll(async () => {
    engine = await sharedEngine();
  });

  /** Distance between neighbouring numbers, relative. */
  const unit = type === 'bfloat16' ? 2 ** -7 : 2 ** -10;

  it('products of rounded operands are summed in float32 and rounded once', async () => {
    const hosts = [normal([9, 300]), normal([17, 300]), normal([17])] as const;
    const [x, weight, bias] = hosts.map(({ shape }, id): Value => ({ id, shape, dtype: 'float32' })) as [Value, Value, Value];
    const y: Value = { id: 3, shape: [9, 17], dtype: 'float32', stored: type };
    const linear: Node = { op: 'Linear', inputs: { x, weight, bias }, attributes: { compute: type }, outputs: [y] };
    const executable = await engine.compile({ inputs: [x, weight, bias], outputs: [y], nodes: [linear], constants: new Map() }, { donations: [] });
    const [result] = await executable.run(hosts.map(({ data, shape }) => engine.put(data, shape, 'float32')));
    const actual = await result!.data();

    const operands = hosts.slice(0, 2).map(({ data, shape }) => tf.tensor2d(rounded(data, type), [...shape] as [number, number]));
    const sums = tf.add(tf.matMul(operands[0]!, operands[1]!, false, true), tf.tensor(hosts[2].data, [17]));
    const expected = rounded(sums.dataSync(), type);
    // One unit where sums in another order fall on the other side of a middle.
    expectAllclose(actual, expected, { rtol: unit, atol: 1e-5 });
    expect(actual.filter((value, i) => value === expected[i]).length / expected.length).toBeGreaterThan(0.95);
    executable.dispose();
  });

  it.each(['2,3,37,8', '3,1,601,4'])('attention and its gradients of (%s) stay near those in float32', async (sizes) => {
    const shape = sizes.split(',').map(Number);
    const inputs = [normal(shape), normal(shape), normal(shape)];
    const fn = (...[q, k, v]: tf.Tensor[]) => {
      const loss = (p: tf.Tensor, r: tf.Tensor, s: tf.Tensor): tf.Tensor => {
        const y = attention(p, r, s);
        return tf.sum(tf.mul(y, tf.reshape(tf.sin(tf.range(1, y.size + 1)), y.shape)));
      };
      return [attention(q!, k!, v!), ...tf.grads(loss as (...x: tf.Tensor[]) => tf.Tensor)([q!, k!, v!])];
    };
    const run = async (precision?: ReturnType<typeof mixedPrecision>) => {
      const compiled = jit(fn, { engine, ...(precision && { precision }) });
      return Promise.all((await compiled(...(inputs as never[]))).map((array) => array.data()));
    };
    const expected = await run();
    for (const [i, data] of (await run(mixedPrecision(type))).entries()) {
      const largest = (expected[i] as Float32Array).reduce((most, value) => Math.max(most, Math.abs(value)), 0);
      // A few roundings of operands of size 1.
      expectAllclose(data, expected[i]!, { rtol: 0, atol: 6 * unit * largest });
    }
  });
});
