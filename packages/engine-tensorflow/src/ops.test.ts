import '@tensorflow/tfjs';
import * as tf from '@tensorflow/tfjs-core';
import fc from 'fast-check';
import { beforeAll, it } from 'vitest';
import { expectLikeTfjs, withTrustedGradients } from '../../../tests/support/engine-cases/ops';
import { opCases } from '../../../tests/support/op-cases';
import { describeTensorflow, engine } from './engine.testing';

beforeAll(() => tf.setBackend('cpu'));

describeTensorflow.each(Object.entries(opCases))('%s, in TensorFlow against tfjs', (_, cases) => {
  it.each(cases.map((c) => [c.name, c] as const))('%s', async (_name, opCase) => {
    await fc.assert(
      fc.asyncProperty(opCase.examples, async (example) => expectLikeTfjs(await engine(), withTrustedGradients(example, opCase), example.inputs)),
      { numRuns: 8 },
    );
  });
});
