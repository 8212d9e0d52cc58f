import { describe, expect, it } from 'vitest';
import { ffnHiddenDim, vitConfig, type VitSize } from './config';
import { VitError } from './error';
import { checkParameters, parameterCount, parameterShapes } from './parameters';

describe('parameterShapes', () => {
  // The released models; counts and tensors from their state dicts.
  it.each([
    ['small', 22_056_576, 175],
    ['base', 86_580_480, 175],
    ['large', 304_368_640, 343],
    ['giant2', 1_136_480_768, 567],
  ] as [VitSize, number, number][])('counts the released %s', (size, scalars, tensors) => {
    const config = vitConfig(size);
    const shapes = parameterShapes(config);
    expect(parameterCount(shapes)).toBe(scalars);
    expect(Object.keys(shapes)).toHaveLength(tensors);
    const registers = parameterShapes(vitConfig(size, { registers: 4 }));
    expect(parameterCount(registers)).toBe(scalars + 4 * config.embedDim);
    expect(Object.keys(registers)).toHaveLength(tensors + 1);
  });

  it('counts ViT-L/16 at 224', () => {
    const config = vitConfig('large', { patchSize: 16, imageSize: 224 });
    expect(parameterCount(parameterShapes(config))).toBe(303_351_808);
  });

  it('names and shapes a block as the state dict does', () => {
    const shapes = parameterShapes(vitConfig('giant2', { registers: 4 }));
    expect(shapes).toMatchObject({
      cls_token: [1, 1, 1536],
      pos_embed: [1, 1370, 1536],
      register_tokens: [1, 4, 1536],
      mask_token: [1, 1536],
      'patch_embed.proj.weight': [1536, 3, 14, 14],
      'blocks.39.attn.qkv.weight': [4608, 1536],
      'blocks.39.mlp.w12.weight': [8192, 1536],
      'blocks.39.mlp.w3.bias': [1536],
      'blocks.39.ls2.gamma': [1536],
      'norm.weight': [1536],
    });
  });

  it('drops the names of a LayerScale that is switched off', () => {
    const names = Object.keys(parameterShapes(vitConfig('small', { layerScale: 0 })));
    expect(names).toHaveLength(175 - 24);
    expect(names.filter((name) => name.includes('.ls'))).toEqual([]);
  });
});

describe('ffnHiddenDim', () => {
  it.each([
    ['giant2', 4096],
    ['large', 2736],
    ['base', 2048],
    ['small', 1024],
  ] as [VitSize, number][])('rounds the SwiGLU of %s to %i', (size, hidden) => {
    expect(ffnHiddenDim(vitConfig(size, { ffn: 'swiglu' }))).toBe(hidden);
  });
});

describe('vitConfig', () => {
  it('interpolates as the released models with and without registers do', () => {
    expect(vitConfig('small').interpolation).toEqual({ offset: 0.1, antialias: false });
    expect(vitConfig('small', { registers: 4 }).interpolation).toEqual({ offset: 0, antialias: true });
  });

  it('refuses what does not fit, and says what does', () => {
    expect(() => vitConfig('small', { imageSize: 224, patchSize: 15 })).toThrow('225 is');
    expect(() => vitConfig('small', { heads: 5 })).toThrow(VitError);
    expect(() => vitConfig('small', { registers: -1 })).toThrow(VitError);
    expect(() => vitConfig('small', { ffn: 'SwiGLU' as 'swiglu' })).toThrow('pass "mlp" or "swiglu"');
    expect(() => vitConfig('small', { mlpRatio: 0 })).toThrow('mlpRatio 0');
    expect(() => vitConfig('huge' as VitSize)).toThrow('tiny, small, base, large, giant2');
  });
});

describe('checkParameters', () => {
  const expected = { a: [2, 3], b: [4] };
  it('names the parameter that is missing, misshaped or unknown', () => {
    expect(() => checkParameters({ a: { shape: [2, 3] }, b: { shape: [4] } }, expected)).not.toThrow();
    expect(() => checkParameters({ a: { shape: [2, 3] } }, expected)).toThrow('"b" of shape (4) is missing');
    expect(() => checkParameters({ a: { shape: [3, 2] }, b: { shape: [4] } }, expected)).toThrow(
      '"a" has shape (3,2); this configuration needs (2,3)',
    );
    expect(() =>
      checkParameters({ a: { shape: [2, 3] }, b: { shape: [4] }, c: { shape: [1] } }, expected),
    ).toThrow('"c" does not belong');
  });
});
