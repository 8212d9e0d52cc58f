import '@tensorflow/tfjs';
import * as tf from '@tensorflow/tfjs-core';
import { expect, it } from 'vitest';
import { vitConfig } from './config';
import { VitError } from './error';
import { forwardFeatures, getIntermediateLayers } from './forward';
import { initialize } from './initialize';
import { VisionTransformer } from './vision-transformer';

const config = vitConfig('tiny', { embedDim: 8, depth: 2, heads: 2, patchSize: 2, imageSize: 8 });

it('owns its parameters and calls the pure functions', async () => {
  await tf.setBackend('cpu');
  const record = initialize(config, 0);
  const images = tf.randomNormal([2, 8, 8, 3]);
  const before = tf.memory().numTensors;
  const model = VisionTransformer.fromParameters(record, config);
  const masks = tf.zeros([2, 16]);
  const a = model.forwardFeatures(images, { masks });
  const b = forwardFeatures(model.parameters, config, images, { masks });
  expect(a.clsToken.dataSync()).toEqual(b.clsToken.dataSync());
  const c = model.getIntermediateLayers(images, 2, { reshape: true });
  const d = getIntermediateLayers(model.parameters, config, images, 2, { reshape: true });
  expect(c.map(({ patchTokens }) => patchTokens.dataSync())).toEqual(d.map(({ patchTokens }) => patchTokens.dataSync()));
  tf.dispose([a, b, c, d, masks]);
  model.dispose();
  expect(tf.memory().numTensors).toBe(before);
});

it('refuses parameters of another model', () => {
  const deeper = vitConfig('tiny', { ...config, depth: 3 });
  expect(() => VisionTransformer.fromParameters(initialize(config, 0), deeper)).toThrow(VitError);
  expect(() => VisionTransformer.fromParameters(initialize(deeper, 0), config)).toThrow('"blocks.2.');
});
