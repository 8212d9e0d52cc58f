import '@tensorflow/tfjs';
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, expect, it } from 'vitest';
import { expectAllclose } from '../../../tests/support/allclose';
import { vitConfig } from './config';
import { VitError } from './error';
import { initialize } from './initialize';
import { checkParameters, parameterShapes } from './parameters';
import { resamplePositions } from './resample-positions';
import { VisionTransformer } from './vision-transformer';

beforeAll(() => tf.setBackend('cpu'));

const small = { embedDim: 8, depth: 1, heads: 2, patchSize: 2, imageSize: 8, layerScale: 1 } as const;

it.each([
  ['an offset', 12, { offset: 0.1, antialias: false }],
  ['antialiasing', 6, { offset: 0, antialias: true }],
  ['a size', 14, { offset: 0, antialias: false }],
])('keeps the features at the new size, with %s', async (_, imageSize, interpolation) => {
  const config = vitConfig('tiny', { ...small, interpolation });
  const parameters = initialize(config, 0);
  const before = tf.memory().numTensors;
  const resized = await resamplePositions({ config, parameters }, imageSize);
  expect(tf.memory().numTensors).toBe(before);
  expect(resized.config).toEqual({ ...config, imageSize });
  checkParameters(resized.parameters, parameterShapes(resized.config));
  expect(parameters.pos_embed.shape).toEqual([1, 17, 8]);

  const images = tf.randomNormal([1, imageSize, imageSize, 3]);
  const [a, b] = [{ config, parameters }, resized].map((model) =>
    VisionTransformer.fromParameters(model.parameters, model.config).forwardFeatures(images).patchTokens.dataSync(),
  );
  expectAllclose(a, b);
});

it('changes nothing but the size where there is nothing to resample', async () => {
  const config = vitConfig('tiny', small);
  const parameters = initialize(config, 0);
  expect(await resamplePositions({ config, parameters }, 8)).toEqual({ config, parameters });
  const rope = vitConfig('dinov3-small', { ...small, heads: 1 });
  const resized = await resamplePositions({ config: rope, parameters: {} }, 32);
  expect(resized).toEqual({ config: { ...rope, imageSize: 32 }, parameters: {} });
});

it('refuses a size that is no multiple of the patch, and a record without a table', async () => {
  const config = vitConfig('tiny', small);
  await expect(resamplePositions({ config, parameters: {} }, 9)).rejects.toThrow('imageSize 9 is not a multiple of patchSize 2');
  await expect(resamplePositions({ config, parameters: {} }, 12)).rejects.toThrow(VitError);
});
