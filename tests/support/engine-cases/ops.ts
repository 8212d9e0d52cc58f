import * as tf from '@tensorflow/tfjs-core';
import { type Engine, type HostArray, jit } from '@dinov2/jit';
import { expect } from 'vitest';
import { expectAllclose } from '../allclose';
import { type OpCase, type OpExample, withGradients } from '../op-cases';

export type Outputs = (...inputs: tf.Tensor[]) => tf.Tensor[];

/** tfjs's CPU backend reads the gradient of a second image at the offset of the first size. */
const wrongGradientInTfjs = new Set(['resizeNearestNeighbor']);

/** An example with the gradients that tfjs can be trusted with. */
export const withTrustedGradients = (example: OpExample, { name, differentiable }: Pick<OpCase, 'name' | 'differentiable'>): Outputs =>
  withGradients(example, wrongGradientInTfjs.has(name) ? [] : differentiable);

const typeOf = (data: HostArray['data']) => (data instanceof Float32Array ? 'float32' : data instanceof Int32Array ? 'int32' : 'bool');

/** An engine gives what tfjs's CPU backend gives. */
export async function expectLikeTfjs(engine: Engine, fn: Outputs, inputs: readonly HostArray[]): Promise<void> {
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
