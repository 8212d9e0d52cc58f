import '@tensorflow/tfjs-backend-cpu';
import { readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { readSafetensors } from './files/open-safetensors';
import type { LoadOptions } from './load-pretrained';
import { VisionTransformer } from './vision-transformer';

const golden = (name: string): string => fileURLToPath(new URL(`./layouts/golden/${name}`, import.meta.url));

// float32 against float32 through two blocks, in another order of sums.
const tolerance = 1e-4;

/** The generator's pictures: (1, height, width, 3). */
function picture(height: number, width: number): tf.Tensor4D {
  const data = Float32Array.from({ length: height * width * 3 }, (_, i) => ((i * 7919) % 1013) / 506.5 - 1);
  return tf.tensor4d(data, [1, height, width, 3]);
}

async function maximumDifference(actual: tf.Tensor, expected: Float32Array, from: number, tokens: number): Promise<number> {
  const values = await actual.data();
  const D = expected.length / tokens;
  let worst = 0;
  for (let i = 0; i < values.length; i++) worst = Math.max(worst, Math.abs(values[i] - expected[from * D + i]));
  return worst;
}

beforeAll(() => tf.setBackend('cpu'));

const attentionHeads = 2;
const cases: readonly (readonly [name: string, options: LoadOptions])[] = [
  ['huggingface-dinov2', {}],
  ['huggingface-dinov2-with-registers', {}],
  ['huggingface-dinov3', {}],
  ['huggingface-dinov3-gated', {}],
  ['timm-dinov2', {}],
  ['timm-dinov2-giant-registers', {}],
  ['timm-dinov3', {}],
  ['timm-dinov3-plus', {}],
  // timm computed the expected outputs, and resamples so.
  ['fair-dinov2-training', { attentionHeads, interpolation: { offset: 0, antialias: true } }],
  ['fair-dinov3', { attentionHeads }],
];

describe('VisionTransformer.fromPretrained', () => {
  it('is tested on every golden model', () => {
    const folders = readdirSync(golden(''), { withFileTypes: true }).filter((entry) => entry.isDirectory());
    expect(folders.map((entry) => entry.name).sort()).toEqual(cases.map(([name]) => name).sort());
  });

  it.each(cases)('gives the outputs of the real program for %s', async (name, options) => {
    const weights = name.startsWith('fair') ? golden(`${name}/weights.${name.endsWith('training') ? 'pth' : 'safetensors'}`) : golden(`${name}/model.safetensors`);
    const { tensors, metadata } = await readSafetensors(golden(`${name}/expected.safetensors`));
    const model = await VisionTransformer.fromPretrained(weights, { log: false, ...options });
    const registers = Number(metadata.prefix) - 1;
    expect(model.config.registers).toBe(registers);
    for (const [label, { data, shape }] of Object.entries(tensors)) {
      const expected = data as Float32Array;
      if (label.startsWith('block')) continue;
      const [height, width] = label.split('x').map(Number);
      const outputs = tf.tidy(() => model.forwardFeatures(picture(height, width)));
      const compare = async (part: tf.Tensor, from: number): Promise<void> => {
        expect(await maximumDifference(part, expected, from, shape[0]), `${label} from token ${from}`).toBeLessThan(tolerance);
      };
      await compare(outputs.clsToken, 0);
      await compare(outputs.registerTokens, 1);
      await compare(outputs.patchTokens, 1 + registers);
    }
    const layers = tf.tidy(() =>
      model.getIntermediateLayers(picture(16, 16), model.config.depth, { norm: false, returnClassToken: true, returnRegisterTokens: true }),
    );
    for (const [index, { clsToken, registerTokens, patchTokens }] of layers.entries()) {
      const { data, shape } = tensors[`block${index}`];
      const expected = data as Float32Array;
      expect(await maximumDifference(clsToken!, expected, 0, shape[0])).toBeLessThan(tolerance);
      expect(await maximumDifference(registerTokens!, expected, 1, shape[0])).toBeLessThan(tolerance);
      expect(await maximumDifference(patchTokens, expected, 1 + registers, shape[0])).toBeLessThan(tolerance);
    }
    model.dispose();
  });
});
