import '@tensorflow/tfjs';
import * as tf from '@tensorflow/tfjs-core';
import { jit } from '@dinov2/jit';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { expectAllclose } from '../../../tests/support/allclose';
import { opCases, withGradients } from '../../../tests/support/op-cases';
import { noPjrtPlugin, pjrtPlugin } from '../../../tests/support/pjrt-plugin';
import { xlaEngine, type XlaEngine } from './index';

const skipped = pjrtPlugin === undefined;
const reason = skipped ? ` (skipped: ${noPjrtPlugin})` : '';
let engine: XlaEngine;

beforeAll(async () => {
  await tf.setBackend('cpu');
  // XLA's CPU backend loses NaN in maxima unless told not to; others have no such flag.
  if (!skipped) engine = await xlaEngine({ plugin: pjrtPlugin!, cacheFolder: null });
});
afterAll(() => engine?.dispose());

type Inputs = readonly { readonly data: Float32Array | Int32Array | Uint8Array; readonly shape: readonly number[] }[];
type Outputs = (...inputs: tf.Tensor[]) => tf.Tensor[];

const typeOf = (data: Inputs[number]['data']) => (data instanceof Float32Array ? 'float32' : data instanceof Int32Array ? 'int32' : 'bool');

/** Compile, run, and compare with the same function on tfjs's CPU backend. */
async function expectLikeTfjs(fn: Outputs, inputs: Inputs): Promise<void> {
  const compiled = jit(fn, { engine });
  const actual = await compiled(...(inputs as never[]));
  const expected = tf.tidy(() => fn(...inputs.map(({ data, shape }) => tf.tensor(data, [...shape], typeOf(data)))));
  expect(actual.map(({ shape, dtype }) => [dtype, shape])).toEqual(expected.map(({ shape, dtype }) => [dtype, shape]));
  for (const [i, array] of actual.entries()) {
    // tfjs's CPU backend computes in float64 and rounds; float32 kernels lose a few bits, more where sums cancel.
    expectAllclose(await array.data(), expected[i]!.dataSync(), { rtol: 3e-5, atol: 3e-5 });
  }
  actual.forEach((array) => array.dispose());
  compiled.dispose();
  tf.dispose(expected);
}

/** tfjs's CPU backend reads the gradient of a second image at the offset of the first size. */
const wrongGradientInTfjs = new Set(['resizeNearestNeighbor']);

describe.skipIf(skipped).each(Object.entries(opCases))(`%s, on XLA against tfjs${reason}`, (_, cases) => {
  it.each(cases.map((c) => [c.name, c] as const))('%s', async (name, { examples, differentiable }) => {
    await fc.assert(
      fc.asyncProperty(examples, (example) =>
        expectLikeTfjs(withGradients(example, wrongGradientInTfjs.has(name) ? [] : differentiable), example.inputs),
      ),
      { numRuns: 5 },
    );
  });
});

const floats = (...values: number[]) => ({ data: Float32Array.from(values), shape: [values.length] });
const integers = (...values: number[]) => ({ data: Int32Array.from(values), shape: [values.length] });

/** Values that examples drawn at random do not hit. */
describe.skipIf(skipped)(`edges, on XLA against tfjs${reason}`, () => {
  const halves = floats(-2.5, -1.5, -0.5, 0.5, 1.5, 2.5);
  const special = floats(NaN, Infinity, -Infinity, 0, 1e30, -1e30);

  it.each<[string, Outputs, Inputs]>([
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
      (['bilinear', 'nearest'] as const).map((interpolation): [string, Outputs, Inputs] => [
        `transform, ${interpolation}, filled with ${fill}`,
        (x) => [tf.image.transform(tf.reshape(x, [1, 4, 4, 1]) as tf.Tensor4D, tf.tensor2d([[2.5, 0.3, -7.25, -0.4, 3.1, -6.125, 0, 0]]), interpolation, fill, 9)],
        [floats(...Array.from({ length: 16 }, (_, i) => Math.sin(i)))],
      ]),
    ),
    ['crops to the nearest pixel, of images that are not there, and beyond the border', (x) => [
      tf.image.cropAndResize(tf.reshape(x, [2, 4, 4, 1]) as tf.Tensor4D, tf.tensor2d([[0, 0, 1, 1], [0.1, 0.2, 0.7, 0.9], [-0.5, 0, 1.5, 1], [0, 0, 1, 1]]), tf.tensor1d([0, 1, 1, 7], 'int32'), [3, 1], 'nearest', 2),
    ], [floats(...Array.from({ length: 32 }, (_, i) => Math.sin(i)))]],
  ])('%s', (_, fn, inputs) => expectLikeTfjs(fn, inputs));
});
