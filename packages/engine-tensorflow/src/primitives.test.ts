import '@tensorflow/tfjs';
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, it } from 'vitest';
import { expectLikeFallback, primitiveCases } from '../../../tests/support/engine-cases/primitives';
import { describeTensorflow, engine } from './engine.testing';

beforeAll(() => tf.setBackend('cpu'));

describeTensorflow('primitives', () => {
  it.each(Object.entries(primitiveCases))('%s gives what its tfjs fallback gives', async (_name, [fn, inputs]) => expectLikeFallback(await engine(), fn, inputs));
});
