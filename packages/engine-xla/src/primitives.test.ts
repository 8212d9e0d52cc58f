import '@tensorflow/tfjs';
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, it } from 'vitest';
import { expectLikeFallback, primitiveCases } from '../../../tests/support/engine-cases/primitives';
import { describeXla, engine, skipped } from './engine.testing';

beforeAll(() => tf.setBackend('cpu'));

describeXla(`primitives on XLA${skipped}`, () => {
  it.each(Object.entries(primitiveCases))('%s gives what its tfjs fallback gives', async (_name, [fn, inputs]) => expectLikeFallback(await engine(), fn, inputs));
});
