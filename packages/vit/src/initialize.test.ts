import { describe, expect, it } from 'vitest';
import { vitConfig } from './config';
import { initialize } from './initialize';
import { checkParameters, type HostArray, parameterShapes } from './parameters';

const config = vitConfig('tiny', { embedDim: 96, depth: 2, patchSize: 8, imageSize: 64, registers: 2, layerScale: 0.25 });
const record = initialize(config, 0);

const equal = (a: HostArray, b: HostArray): boolean => a.data.every((x, i) => x === b.data[i]);

const deviation = (name: string): number => {
  const { data } = record[name];
  return Math.sqrt(data.reduce((sum, x) => sum + x * x, 0) / data.length);
};

describe('initialize', () => {
  it('makes every parameter of the configuration', () => {
    expect(() => checkParameters(record, parameterShapes(config))).not.toThrow();
    for (const { data, shape } of Object.values(record)) {
      expect(data.length).toBe(shape.reduce((a, b) => a * b, 1));
    }
  });

  it('depends on the seed alone, and each tensor on its own name', () => {
    const again = initialize(config, 0);
    const other = initialize(config, 1);
    // A deeper model begins with the same blocks.
    const deeper = initialize(vitConfig('tiny', { ...config, depth: 3 }), 0);
    for (const name of Object.keys(record)) {
      expect(equal(again[name], record[name])).toBe(true);
      expect(equal(deeper[name], record[name])).toBe(true);
    }
    expect(equal(other['pos_embed'], record['pos_embed'])).toBe(false);
    expect(equal(record['blocks.0.attn.proj.weight'], record['blocks.1.attn.proj.weight'])).toBe(false);
  });

  it('draws from the published distributions', () => {
    // The standard error of a deviation over n values is 1/√(2n) of it: below 1 % for n > 5000. Five of them.
    expect(Math.abs(deviation('pos_embed') / 0.02 - 1)).toBeLessThan(0.05);
    for (const name of ['attn.qkv', 'attn.proj', 'mlp.fc1', 'mlp.fc2']) {
      expect(Math.abs(deviation(`blocks.1.${name}.weight`) / 0.02 - 1)).toBeLessThan(0.05);
      expect(deviation(`blocks.1.${name}.bias`)).toBe(0);
    }
    // U(−1/√f, 1/√f) with f = 3·8²
    const bound = 1 / Math.sqrt(192);
    expect(Math.abs(deviation('patch_embed.proj.weight') / (bound / Math.sqrt(3)) - 1)).toBeLessThan(0.05);
    expect(Math.max(...record['patch_embed.proj.weight'].data)).toBeLessThanOrEqual(Math.fround(bound));
    expect(deviation('patch_embed.proj.bias')).toBeGreaterThan(bound / 3);
    expect(deviation('cls_token')).toBeLessThan(2e-6);
    expect(deviation('register_tokens')).toBeGreaterThan(5e-7);
    expect(deviation('mask_token')).toBe(0);
    for (const [name, value] of [
      ['blocks.0.norm1.weight', 1],
      ['norm.weight', 1],
      ['norm.bias', 0],
      ['blocks.1.ls2.gamma', 0.25],
    ] as const) {
      expect(new Set(record[name].data)).toEqual(new Set([value]));
    }
  });

  it('begins rotary positions as DINOv3 does', () => {
    const rope = initialize(vitConfig('dinov3-small', { embedDim: 96, depth: 1, heads: 3, patchSize: 8 }), 0);
    expect([...rope['rope_embed.periods'].data]).toEqual(Array.from({ length: 8 }, (_, i) => Math.fround(100 ** (i / 8))));
    // 384 normal values of deviation 0.02: the standard error is 4 % of it. Five of them.
    const { data } = rope['register_tokens'];
    expect(Math.abs(Math.sqrt(data.reduce((sum, x) => sum + x * x, 0) / data.length) / 0.02 - 1)).toBeLessThan(0.2);
  });
});
