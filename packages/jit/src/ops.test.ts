import '@tensorflow/tfjs';
import * as tf from '@tensorflow/tfjs-core';
import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { expectAllclose } from '../../../tests/support/allclose';
import { opCases, withGradients } from '../../../tests/support/op-cases';
import { eagerEngine, jit } from './index';
import { ops } from './ops';
import { trace } from './trace/trace';

const engine = eagerEngine({ backend: 'cpu' });

beforeAll(async () => {
  await tf.setBackend('cpu');
});

describe.each(Object.entries(opCases))('%s, compiled against tfjs', (_, cases) => {
  it.each(cases.map((c) => [c.name, c] as const))('%s', async (_name, { examples, differentiable }) => {
    await fc.assert(
      fc.asyncProperty(examples, async (example) => {
        const fn = withGradients(example, differentiable);
        const before = tf.memory().numTensors;
        const tensors = example.inputs.map(({ data, shape }) =>
          tf.tensor(data, [...shape], data instanceof Float32Array ? 'float32' : data instanceof Int32Array ? 'int32' : 'bool'),
        );
        const expected = tf.tidy(() => fn(...tensors));
        const compiled = jit(fn as (...inputs: tf.Tensor[]) => tf.Tensor[], { engine });
        const actual = await compiled(...example.inputs);
        expect(actual.map(({ shape, dtype }) => [dtype, shape])).toEqual(expected.map(({ shape, dtype }) => [dtype, shape]));
        for (const [i, array] of actual.entries()) {
          // The same kernels run; folding of constants may round once more or once less.
          expectAllclose(await array.data(), expected[i].dataSync(), { rtol: 1e-6, atol: 1e-6 });
        }
        actual.forEach((array) => array.dispose());
        compiled.dispose();
        tf.dispose([tensors, expected]);
        await Promise.resolve();
        expect(tf.memory().numTensors).toBe(before);
      }),
      { numRuns: 8 },
    );
  });
});

it('every supported kernel appears in some case', () => {
  const cases = Object.values(opCases).flat();
  const seen = new Set(
    cases.flatMap(({ examples, differentiable }) =>
      fc.sample(examples, { numRuns: 8, seed: 1 }).flatMap((example) => {
        const specs = example.inputs.map(({ data, shape }) => ({
          shape,
          dtype: data instanceof Float32Array ? ('float32' as const) : data instanceof Int32Array ? ('int32' as const) : ('bool' as const),
        }));
        return trace(specs, (tensors) => withGradients(example, differentiable)(...tensors)).graph.nodes.map(({ op }) => op);
      }),
    ),
  );
  // A clone gets no node while tracing.
  expect(Object.keys(ops).filter((op) => !seen.has(op))).toEqual(['Identity']);
});
