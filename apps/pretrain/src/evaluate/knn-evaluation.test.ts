import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as tf from '@tensorflow/tfjs';
import { eagerEngine } from '@dinov2/jit';
import { forwardFeatures, initialize, vitConfig } from '@dinov2/vit';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { overrideLayer } from '../config/layer';
import { resolveSettings } from '../config/resolve';
import { featureModel } from './feature-model';
import { headline, KnnEvaluation } from './knn-evaluation';
import { openLabelledFolder } from './labelled-folder';

let folder: string;

beforeAll(async () => {
  tf.enableProdMode();
  await tf.setBackend('cpu');
  folder = mkdtempSync(join(tmpdir(), 'labelled-'));
  for (const part of ['train', 'heldout']) {
    for (const [label, background] of [['blue', '#2040d0'], ['red', '#d04020']] as const) {
      mkdirSync(join(folder, part, label), { recursive: true });
      for (let i = 0; i < 3; i++) {
        await sharp({ create: { width: 20 + i, height: 20, channels: 3, background } }).png().toFile(join(folder, part, label, `${i}.png`));
      }
    }
  }
});
afterAll(() => rmSync(folder, { recursive: true }));

const config = vitConfig('tiny', { embedDim: 12, depth: 2, heads: 3, patchSize: 4, imageSize: 8, registers: 1, layerScale: 1 });

describe('KnnEvaluation', () => {
  it('names plain colours right from pixels and from features', async () => {
    const evaluation = await KnnEvaluation.open(resolveSettings([overrideLayer([`eval=${folder}`, 'crops.globalSize=8', 'knn.k=[1, 3, 100]'])]));
    // Six training images: k = 100 is left out.
    expect(await evaluation!.rawPixels()).toEqual({ 1: 1, 3: 1 });
    const model = featureModel(eagerEngine({ backend: 'cpu' }), config);
    expect(await evaluation!.measure(model, initialize(config, 0))).toMatchObject({ knn: { 1: 1, 3: 1 } });
  });
});

describe('headline', () => {
  it('is the first that the settings name and the images allow', () => {
    // Keys of a record that are numbers come in their order, not in that of the settings.
    expect(headline({ 1: 0.5, 10: 0.4 }, { k: [100, 10, 1] })).toBe(10);
    expect(headline({ 1: 0.5 }, { k: [100, 10] })).toBe(1);
  });
});

describe('featureModel', () => {
  it('gives patch features of the model and attention that is a distribution over all tokens', async () => {
    const images = { data: Float32Array.from({ length: 2 * 8 * 8 * 3 }, (_, i) => Math.sin(i)), shape: [2, 8, 8, 3] };
    const params = initialize(config, 1);
    const { patches, attention } = await featureModel(eagerEngine({ backend: 'cpu' }), config).patchMaps(params, images);
    const tensors = Object.fromEntries(Object.entries(params).map(([name, { data, shape }]) => [name, tf.tensor(data, [...shape])]));
    const expected = forwardFeatures(tensors, config, tf.tensor(images.data, [2, 8, 8, 3]));
    expect([...patches]).toEqual([...(await expected.patchTokens.data())]);
    expect(attention.length).toBe(2 * 3 * 4);
    for (let row = 0; row < 6; row++) {
      const sum = attention.subarray(row * 4, row * 4 + 4).reduce((a, b) => a + b);
      // Near uniform over 1 class token, 1 register and 4 patches at initialisation: 4 of 6 shares.
      expect(sum).toBeGreaterThan(0.5);
      expect(sum).toBeLessThan(0.8);
    }
  });
});

describe('openLabelledFolder', () => {
  it('says what a folder lacks', () => {
    expect(() => openLabelledFolder(join(folder, 'train'))).toThrow(/has no train\/ and heldout\//);
    mkdirSync(join(folder, 'other', 'train'), { recursive: true });
    expect(() => openLabelledFolder(join(folder, 'other'))).toThrow(/expects/);
  });
});
