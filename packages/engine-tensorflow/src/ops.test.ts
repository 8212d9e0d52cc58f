import '@tensorflow/tfjs';
import * as tf from '@tensorflow/tfjs-core';
import { jit } from '@dinov2/jit';
import fc from 'fast-check';
import { beforeAll, expect, it } from 'vitest';
import { expectAllclose } from '../../../tests/support/allclose';
import { opCases, withGradients } from '../../../tests/support/op-cases';
import { describeTensorflow, engine } from './engine.testing';

beforeAll(() => tf.setBackend('cpu'));

/** tfjs's CPU backend reads the gradient of a second image at the offset of the first size. */
const wrongGradientInTfjs = new Set(['resizeNearestNeighbor']);

describeTensorflow.each(Object.entries(opCases))('%s, in TensorFlow against tfjs', (_, cases) => {
  it.each(cases.map((c) => [c.name, c] as const))('%s', async (name, { examples, differentiable }) => {
    await fc.assert(
      fc.asyncProperty(examples, async (example) => {
        const fn = withGradients(example, wrongGradientInTfjs.has(name) ? [] : differentiable);
        const compiled = jit(fn as (...inputs: tf.Tensor[]) => tf.Tensor[], { engine: await engine() });
        const expected = tf.tidy(() =>
          fn(
            ...example.inputs.map(({ data, shape }) =>
              tf.tensor(data, [...shape], data instanceof Float32Array ? 'float32' : data instanceof Int32Array ? 'int32' : 'bool'),
            ),
          ),
        );
        const actual = await compiled(...example.inputs);
        expect(actual.map(({ shape, dtype }) => [dtype, shape])).toEqual(expected.map(({ shape, dtype }) => [dtype, shape]));
        for (const [i, array] of actual.entries()) {
          // tfjs's CPU backend computes in float64 and rounds; float32 kernels lose a few bits, more where sums cancel.
          expectAllclose(await array.data(), expected[i].dataSync(), { rtol: 3e-5, atol: 3e-5 });
        }
        actual.forEach((array) => array.dispose());
        compiled.dispose();
        tf.dispose(expected);
      }),
      { numRuns: 8 },
    );
  });
});
