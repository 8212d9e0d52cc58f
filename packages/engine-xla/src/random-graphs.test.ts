import '@tensorflow/tfjs';
import * as tf from '@tensorflow/tfjs-core';
import fc from 'fast-check';
import { beforeAll, it } from 'vitest';
import { expectLikeTfjs, randomGraphs } from '../../../tests/support/engine-cases/random-graphs';
import { describeXla, engine, skipped } from './engine.testing';

beforeAll(() => tf.setBackend('cpu'));

describeXla(`random graphs on XLA${skipped}`, () => {
  it('give what tfjs gives, whatever is donated and shared', async () => {
    await fc.assert(fc.asyncProperty(randomGraphs, async (example) => expectLikeTfjs(await engine(), example)), { numRuns: 60 });
  });
});
