import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { env, pipeline, type PretrainedModelOptions, RawImage, type Tensor } from '@huggingface/transformers';
import { forwardFeatures, type HostArray, initialize, parameterShapes, type VitConfig, vitConfig } from '@dinov2/vit';
import * as tf from '@tensorflow/tfjs-core';
import '@tensorflow/tfjs-backend-cpu';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { expectAllclose } from '../../../../tests/support/allclose';
import { hashedParameters, symmetric } from '../../../../tests/support/golden';
import type { SavedModel } from '../save-backbone';
import { saveFolder, saveTransformersJs } from './save-transformers-js';

let models = '';
beforeAll(async () => {
  await tf.setBackend('cpu');
  models = await mkdtemp(join(tmpdir(), 'transformers-js-'));
  env.allowRemoteModels = false;
  env.localModelPath = models;
});
afterAll(() => rm(models, { recursive: true }));

const small = { embedDim: 16, depth: 2, heads: 2, patchSize: 16, imageSize: 96 } as const;

/** A picture of 40 x 30. */
const picture = new RawImage(
  Uint8ClampedArray.from(symmetric(3, 40 * 30 * 3), (x) => 256 * (x + 0.5)),
  40,
  30,
  3,
);

function model(config: VitConfig): SavedModel {
  const parameters: Record<string, HostArray> = hashedParameters(parameterShapes(config));
  const { 'rope_embed.periods': periods } = initialize(config, 0);
  return { config, parameters: { ...parameters, ...(periods && { 'rope_embed.periods': periods }) } };
}

/** (B, 1 + R + N, D) of our own forward, for pixels as transformers.js prepares them. */
function ours({ config, parameters }: SavedModel, pixels: Tensor): tf.Tensor {
  const images = tf.transpose(tf.tensor(pixels.data as Float32Array, pixels.dims), [0, 2, 3, 1]);
  const tensors = Object.fromEntries(Object.entries(parameters).map(([name, { data, shape }]) => [name, tf.tensor(data, [...shape])]));
  const { clsToken, registerTokens, patchTokens } = forwardFeatures(tensors, config, images);
  return tf.concat([tf.expandDims(clsToken, 1), registerTokens, patchTokens], 1);
}

async function expectOurFeatures(name: string, saved: SavedModel, atol: number, options: PretrainedModelOptions = {}): Promise<void> {
  const extract = await pipeline('image-feature-extraction', name, options);
  const { pixel_values: pixels } = (await extract.processor!(picture)) as { pixel_values: Tensor };
  const expected = ours(saved, pixels);
  const features = await extract(picture);
  expect(features.dims).toEqual(expected.shape);
  expectAllclose(features.data as Float32Array, expected.dataSync(), { rtol: 0, atol });
  const pooled = await extract(picture, { pool: true });
  expect(pooled.dims).toEqual([1, saved.config.embedDim]);
  expectAllclose(pooled.data as Float32Array, expected.dataSync().slice(0, saved.config.embedDim), { rtol: 0, atol });
  await extract.dispose();
}

describe('a folder for transformers.js', () => {
  it.each([
    ['dinov2', vitConfig('tiny', small)],
    ['dinov2_with_registers', vitConfig('tiny', { ...small, registers: 4 })],
    ['dinov3_vit', vitConfig('dinov3-small', small)],
  ])('gives our features as %s, without options', async (type, config) => {
    const saved = model(config);
    const { modelType } = await saveTransformersJs(join(models, type), saved, { log: false });
    expect(modelType).toBe(type);
    await expectOurFeatures(type, saved, 2e-5);
    // Python's transformers reads the same file, and takes no whole number for a float.
    expect(await readFile(join(models, type, 'config.json'), 'utf8')).toMatch(/"(layerscale_value|rope_theta)": \d+\.0/);
  });

  it('has a float16 model where asked for', async () => {
    const saved = model(vitConfig('tiny', small));
    await saveTransformersJs(join(models, 'both'), saved, { precisions: ['float32', 'float16'], log: false });
    await expectOurFeatures('both', saved, 2e-5);
    await expectOurFeatures('both', saved, 1e-2, { dtype: 'fp16' });
    await saveTransformersJs(join(models, 'half'), saved, { precisions: ['float16'], log: false });
    await expectOurFeatures('half', saved, 1e-2);
  });

  it('says which models have their weights in a second file', async () => {
    const saved = model(vitConfig('tiny', small));
    await saveFolder(join(models, 'large'), saved, ['float32', 'float16'], false, 40_000);
    const config = JSON.parse(await readFile(join(models, 'large', 'config.json'), 'utf8')) as Record<string, unknown>;
    expect(config['transformers.js_config']).toEqual({
      dtype: 'fp32',
      use_external_data_format: { 'model.onnx': 1, 'model_fp16.onnx': 1 },
    });
    await expectOurFeatures('large', saved, 2e-5);
    await expectOurFeatures('large', saved, 1e-2, { dtype: 'fp16' });
  });
});
