import '@tensorflow/tfjs';
import * as tf from '@tensorflow/tfjs-core';
import { afterAll, beforeAll, describe, it } from 'vitest';
import { expectLikeFallback, primitiveCases } from '../../../tests/support/engine-cases/primitives';
import { onnxEngine } from './index';

const engine = onnxEngine({ threads: 2 });
beforeAll(() => tf.setBackend('cpu'));
afterAll(() => engine.dispose());

describe('primitives', () => {
  it.each(Object.entries(primitiveCases))('%s gives what its tfjs fallback gives', async (_name, [fn, inputs]) => expectLikeFallback(engine, fn, inputs));
});
