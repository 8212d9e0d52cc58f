import '@tensorflow/tfjs';
import * as tf from '@tensorflow/tfjs-core';
import type { HostArray } from '@dinov2/jit';
import fc from 'fast-check';
import { beforeAll, it } from 'vitest';
import { expectLikeTfjs, type Outputs, withTrustedGradients } from '../../../tests/support/engine-cases/ops';
import { opCases } from '../../../tests/support/op-cases';
import { describeXla, engine, skipped } from './engine.testing';

beforeAll(() => tf.setBackend('cpu'));

describeXla.each(Object.entries(opCases))(`%s, on XLA against tfjs${skipped}`, (_, cases) => {
  it.each(cases.map((c) => [c.name, c] as const))('%s', async (_name, opCase) => {
    await fc.assert(
      fc.asyncProperty(opCase.examples, async (example) => expectLikeTfjs(await engine(), withTrustedGradients(example, opCase), example.inputs)),
      { numRuns: 5 },
    );
  });
});

const floats = (...values: number[]) => ({ data: Float32Array.from(values), shape: [values.length] });
const integers = (...values: number[]) => ({ data: Int32Array.from(values), shape: [values.length] });

/** Values that examples drawn at random do not hit. */
describeXla(`edges, on XLA against tfjs${skipped}`, () => {
  const halves = floats(-2.5, -1.5, -0.5, 0.5, 1.5, 2.5);
  const special = floats(NaN, Infinity, -Infinity, 0, 1e30, -1e30);

  it.each<[string, Outputs, readonly HostArray[]]>([
    ['halves round to even', (x) => [tf.round(x)], [halves]],
    ['mod has the sign of the divisor', (x, y) => [tf.mod(x, y)], [floats(-7, 7, -7, 7, 6), floats(3, -3, -3, 3, -3)]],
    ['mod of integers', (x, y) => [tf.mod(x, y)], [integers(-7, 7, -7, 7, 6, 5), integers(3, -3, -3, 3, -3, 0)]],
    ['floorDiv rounds down', (x, y) => [tf.floorDiv(x, y)], [integers(-7, 7, -7, 7, -6, 5), integers(2, -2, -2, 2, 3, 0)]],
    ['large integers keep all digits', (x, y) => [tf.floorDiv(x, y), tf.add(x, y), tf.mul(x, y)], [integers(16777217, -16777217), integers(1, 1)]],
    ['NaN and infinities pass through', (x) => [tf.relu(x), tf.maximum(x, 0), tf.minimum(x, 0), tf.step(x), tf.elu(x), tf.softplus(x), tf.max(x), tf.sum(x)], [special]],
    ['tests of numbers', (x) => [tf.isNaN(x), tf.isFinite(x), tf.isInf(x)], [special]],
    ['casts', (x) => [tf.cast(x, 'bool'), tf.cast(tf.clipByValue(x, -2, 2), 'int32')], [floats(NaN, -2.7, 2.7, 0, 0.3, -0.3)]],
    ['of equal values topk takes the first', (x) => { const { values, indices } = tf.topk(x, 3); return [values, indices, tf.argMax(x), tf.argMin(x)]; }, [floats(1, 3, 3, 1, 3, 0, 0)]],
    ['maxima of equal values have one place', (x) => {
      const pool = (y: tf.Tensor) => tf.maxPool(tf.reshape(y, [1, 3, 3, 1]) as tf.Tensor4D, 2, 1, 'valid');
      const { result, indexes } = tf.maxPoolWithArgmax(tf.reshape(x, [1, 3, 3, 1]) as tf.Tensor4D, 2, 1, 'valid');
      return [tf.grad((y) => tf.sum(pool(y)))(x), result, indexes];
    }, [floats(1, 1, 1, 1, 1, 1, 2, 2, 2)]],
    ['windows that do not reach the end', (x) => {
      const image = (y: tf.Tensor) => tf.reshape(y, [1, 8, 1, 1]) as tf.Tensor4D;
      return [
        tf.maxPool(image(x), [2, 1], [3, 1], 'valid'), tf.grad((y) => tf.sum(tf.maxPool(image(y), [2, 1], [3, 1], 'valid')))(x),
        tf.avgPool(image(x), [2, 1], [5, 1], 'valid'), tf.grad((y) => tf.sum(tf.avgPool(image(y), [2, 1], [5, 1], 'valid')))(x),
      ];
    }, [floats(5, 1, 4, 2, 3, 6, 8, 7)]],
    ['bins of values outside are dropped', (x) => [tf.bincount(x as tf.Tensor1D, tf.tensor1d([]), 3), tf.denseBincount(tf.reshape(x, [2, 3]) as tf.Tensor2D, tf.tensor2d([], [0, 0]), 3, true)], [integers(0, 2, 2, 5, 3, 1)]],
    ['empty tensors', (x) => [tf.concat([tf.slice(x, [0], [0]), x]), tf.sum(tf.slice(x, [0], [0])), tf.reshape(tf.slice(x, [0], [0]), [0, 3])], [halves]],
    ...(['reflect', 'wrap', 'constant', 'nearest'] as const).flatMap((fill) =>
      (['bilinear', 'nearest'] as const).map((interpolation): [string, Outputs, readonly HostArray[]] => [
        `transform, ${interpolation}, filled with ${fill}`,
        (x) => [tf.image.transform(tf.reshape(x, [1, 4, 4, 1]) as tf.Tensor4D, tf.tensor2d([[2.5, 0.3, -7.25, -0.4, 3.1, -6.125, 0, 0]]), interpolation, fill, 9)],
        [floats(...Array.from({ length: 16 }, (_, i) => Math.sin(i)))],
      ]),
    ),
    ['crops to the nearest pixel, of images that are not there, and beyond the border', (x) => [
      tf.image.cropAndResize(tf.reshape(x, [2, 4, 4, 1]) as tf.Tensor4D, tf.tensor2d([[0, 0, 1, 1], [0.1, 0.2, 0.7, 0.9], [-0.5, 0, 1.5, 1], [0, 0, 1, 1]]), tf.tensor1d([0, 1, 1, 7], 'int32'), [3, 1], 'nearest', 2),
    ], [floats(...Array.from({ length: 32 }, (_, i) => Math.sin(i)))]],
  ])('%s', async (_, fn, inputs) => expectLikeTfjs(await engine(), fn, inputs));
});
