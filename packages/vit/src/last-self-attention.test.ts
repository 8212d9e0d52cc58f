import '@tensorflow/tfjs';
import { layerNorm, linear } from '@dinov2/primitives';
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { expectGolden, hashedParameters, readGolden, symmetric } from '../../../tests/support/golden';
import { type VitConfig, vitConfig } from './config';
import { VitError } from './error';
import { lastSelfAttention } from './last-self-attention';
import { parameterShapes } from './parameters';
import { ropePeriods } from './rope';
import { embedTokens } from './tokens';

const small = { embedDim: 16, depth: 2, heads: 2, patchSize: 4, imageSize: 16 } as const;

function parametersOf(config: VitConfig): Record<string, tf.Tensor> {
  const tensors = Object.fromEntries(
    Object.entries(hashedParameters(parameterShapes(config))).map(([name, { data, shape }]) => [name, tf.tensor(data, [...shape])]),
  );
  return config.positions === 'rope' ? { ...tensors, 'rope_embed.periods': tf.tensor1d(ropePeriods(config)) } : tensors;
}

const pictures = (batch: number, height: number, width: number): tf.Tensor =>
  tf.mul(2, tf.tensor(symmetric(1, batch * height * width * 3), [batch, height, width, 3]));

beforeAll(() => tf.setBackend('cpu'));

describe('lastSelfAttention', () => {
  it.each([
    ['registers', vitConfig('tiny', { ...small, registers: 4 })],
    ['rope', vitConfig('dinov3-small', { ...small, mlpRatio: 2.5 })],
    ['rope-gated', vitConfig('dinov3-small', { ...small, ffn: 'swiglu', mlpRatio: 3.75, qkvBias: false })],
  ] as const)("is what transformers' models return: %s", (name, config) => {
    const maps = lastSelfAttention(parametersOf(config), config, pictures(2, 12, 20));
    expect(maps.shape).toEqual([2, 2, 5, 3, 5]);
    expectGolden(tf.reshape(maps, [2, 2, 5, 15]), readGolden('vit-attention'), name);
  });

  it('is softmax(q kᵀ/√d) of the tokens that enter the block', () => {
    // One block and one head, so that those are the embedded tokens.
    const config = vitConfig('tiny', { ...small, depth: 1, heads: 1 });
    const params = parametersOf(config);
    const images = pictures(1, 8, 12);
    const layer = (name: string) => params[`blocks.0.${name}`];
    const normed = layerNorm(embedTokens(params, config, { images }), layer('norm1.weight'), layer('norm1.bias'), config.normEpsilon);
    const tokens = linear(normed, layer('attn.qkv.weight'), layer('attn.qkv.bias')).arraySync() as number[][][];
    const query = tokens[0][0].slice(0, 16);
    const weights = tokens[0].map((token) => Math.exp(query.reduce((sum, q, i) => sum + q * token[16 + i], 0) / 4));
    const total = weights.reduce((a, b) => a + b);
    const map = [...lastSelfAttention(params, config, images).dataSync()];
    weights.slice(1).forEach((weight, i) => expect(map[i]).toBeCloseTo(weight / total, 6));
  });

  it('keeps no tensors but the result, and refuses images that do not fit', () => {
    const config = vitConfig('tiny', small);
    const params = parametersOf(config);
    const images = pictures(1, 8, 8);
    const before = tf.memory().numTensors;
    lastSelfAttention(params, config, images).dispose();
    expect(tf.memory().numTensors).toBe(before);
    expect(() => lastSelfAttention(params, config, tf.zeros([1, 9, 8, 3]))).toThrow(VitError);
  });
});
