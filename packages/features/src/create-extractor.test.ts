import { preprocessings } from '@dinov2/augment';
import { eagerEngine, jit } from '@dinov2/jit';
import { forwardFeatures, getIntermediateLayers, initialize, lastSelfAttention, type VitConfig, vitConfig } from '@dinov2/vit';
import * as tf from '@tensorflow/tfjs';
import { beforeAll, describe, expect, it } from 'vitest';
import { computeTokens } from './compute-tokens';
import { createExtractor } from './create-extractor';
import { FeaturesError } from './error';

const tiny = { embedDim: 24, depth: 3, heads: 2, patchSize: 4, imageSize: 16, layerScale: 1 };
const networks: Record<string, VitConfig> = {
  plain: vitConfig('tiny', tiny),
  registers: vitConfig('tiny', { ...tiny, registers: 2 }),
  rotary: vitConfig('dinov3-small', tiny),
};
const backboneOf = (config: VitConfig) => ({ config, parameters: initialize(config, 1), preprocessing: preprocessings.dinov2 });
const picture = (batch: number, height: number, width: number) => ({
  data: Float32Array.from({ length: batch * height * width * 3 }, (_, i) => Math.sin(i * i)),
  shape: [batch, height, width, 3],
});

beforeAll(async () => {
  tf.enableProdMode();
  await tf.setBackend('cpu');
});

describe.each(Object.entries(networks))('createExtractor of a network: %s', (_, config) => {
  const backbone = backboneOf(config);

  it.each([true, false])('gives what direct calls give, norm %s', async (norm) => {
    const images = picture(3, 8, 12);
    const extractor = await createExtractor(
      backbone,
      { classTokens: 2, meanPatch: true, patchTokens: [2, 0], norm, attention: true },
      { engine: eagerEngine({ backend: 'cpu' }) },
    );
    const tokens = await extractor.extract(images);
    await extractor.dispose();
    const direct = tf.tidy(() => {
      const params = Object.fromEntries(Object.entries(backbone.parameters).map(([name, { data, shape }]) => [name, tf.tensor(data, [...shape])]));
      const x = tf.tensor4d(images.data, [3, 8, 12, 3]);
      const last = forwardFeatures(params, config, x);
      const [before] = getIntermediateLayers(params, config, x, [1], { returnClassToken: true });
      const patches = [2, 0].map((block) => getIntermediateLayers(params, config, x, [block], { norm })[0].patchTokens);
      return Object.entries({
        classTokens: tf.stack([before.clsToken!, last.clsToken], 1),
        meanPatch: tf.mean(last.patchTokens, 1),
        patchTokens: tf.reshape(tf.stack(patches, 1), [3, 2, 2, 3, config.embedDim]),
        attention: lastSelfAttention(params, config, x),
      }).map(([name, tensor]) => [name, { data: tensor.dataSync(), shape: tensor.shape }] as const);
    });
    expect(tokens.count).toBe(3);
    for (const [name, { data, shape }] of direct) {
      const found = tokens[name as 'classTokens'];
      expect(found.shape, name).toEqual(shape);
      // The same kernels on the same numbers; only the mean adds in another order, six numbers below 4.
      if (name === 'meanPatch') data.forEach((value, i) => expect(found.data[i]).toBeCloseTo(value, 6));
      else expect([...found.data], name).toEqual([...data]);
    }
  });

  it('goes through the blocks once, whatever is asked for', () => {
    const blocks = (outputs: Parameters<typeof computeTokens>[1]) =>
      jit(computeTokens(config, outputs), { engine: eagerEngine({ backend: 'cpu' }) })
        .lower(backbone.parameters as never, { shape: [1, 16, 16, 3], dtype: 'float32' })
        .graph.nodes.filter(({ op }) => op === 'Attention').length;
    expect(blocks({ classTokens: 3, meanPatch: true, patchTokens: [0, 1, 2], norm: false, attention: true })).toBe(3);
  });
});

describe('createExtractor', () => {
  const backbone = backboneOf(networks.registers);
  const engine = eagerEngine({ backend: 'cpu' });

  it('gives what is asked for and no more', async () => {
    const extractor = await createExtractor(backbone, { classTokens: 0, meanPatch: true }, { engine });
    const tokens = await extractor.extract(picture(1, 8, 8));
    expect(Object.keys(tokens).sort()).toEqual(['classTokens', 'count', 'meanPatch']);
    expect(tokens.classTokens).toEqual({ data: new Float32Array(0), shape: [1, 0, 24] });
    await extractor.dispose();
  });

  it('has a key of weights and outputs', async () => {
    const key = async (of: typeof backbone, outputs = { classTokens: 1 }) => (await createExtractor(of, outputs, { engine })).key;
    const { parameters } = backbone;
    const changed = { ...parameters, cls_token: { ...parameters.cls_token, data: parameters.cls_token.data.map((x) => -x) } };
    const keys = await Promise.all([
      key(backbone),
      key(backboneOf(networks.registers)),
      key(backbone, { classTokens: 2 }),
      key({ ...backbone, parameters: changed }),
      key({ ...backbone, config: { ...backbone.config, heads: 3 } }),
    ]);
    expect(keys[1]).toBe(keys[0]);
    expect(new Set(keys).size).toBe(4);
  });

  it('is called by its architecture', async () => {
    const name = async (config: VitConfig) => (await createExtractor(backboneOf(config), { classTokens: 1 }, { engine })).name;
    expect(await name(networks.registers)).toBe('ViT 24 × 3/4, 2 registers');
    expect(await name(vitConfig('tiny', { patchSize: 16, imageSize: 32 }))).toBe('ViT-T/16');
  });

  it.each([
    [{ classTokens: 4 }, 'class tokens of the last 4 blocks of a network of 3; pass a number from 0 to 3'],
    [{ classTokens: 1, patchTokens: [3] }, 'patch tokens of block 3 of a network of 3 blocks; blocks are 0 to 2'],
    [{ classTokens: 1, patchTokens: [1, 1] }, 'patch tokens of the blocks 1, 1; name each block once'],
    [{ classTokens: 0 }, 'no outputs are asked for; pass classTokens: 1 for the class token of the last block'],
  ])('refuses %j', async (outputs, message) => {
    await expect(createExtractor(backbone, outputs, { engine })).rejects.toThrow(new FeaturesError(message));
  });

  it('refuses images that do not divide into patches', async () => {
    const extractor = await createExtractor(backbone, { classTokens: 1 }, { engine });
    await expect(extractor.extract(picture(1, 8, 9))).rejects.toThrow('images of 8 × 9 pixels do not divide into patches of 4');
    await expect(extractor.extract({ data: new Float32Array(5), shape: [5] })).rejects.toThrow('images of shape (5) with 5 numbers');
  });
});
