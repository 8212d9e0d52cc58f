import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ffnHiddenDim, mlpRatioFor, vitConfig, type VitSize } from './config';
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

  // The released DINOv3 models: what is learned, without `rope_embed.periods`. The 7B has one more norm of
  // 2 · 4096, `local_cls_norm`, which only training uses.
  it.each([
    ['dinov3-small', 21_601_152, 1536],
    ['dinov3-small-plus', 28_697_472, 1536],
    ['dinov3-base', 85_669_632, 3072],
    ['dinov3-large', 303_154_176, 4096],
    ['dinov3-large-plus', 403_915_776, 4096],
    ['dinov3-huge-plus', 840_633_600, 5120],
    ['dinov3-7b', 6_716_043_264 - 8192, 8192],
  ] as [VitSize, number, number][])('counts the released %s', (size, scalars, hidden) => {
    const config = vitConfig(size);
    const { 'rope_embed.periods': periods, ...learned } = parameterShapes(config);
    expect(periods).toEqual([config.embedDim / config.heads / 4]);
    expect(parameterCount(learned)).toBe(scalars);
    expect(ffnHiddenDim(config)).toBe(hidden);
    expect(learned).not.toHaveProperty('pos_embed');
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

describe('mlpRatioFor', () => {
  it('prefers the ratio of the named sizes', () => {
    for (const size of ['small', 'giant2', 'dinov3-small-plus', 'dinov3-7b'] as const) {
      const config = vitConfig(size);
      expect(mlpRatioFor(ffnHiddenDim(config), config)).toBe(config.mlpRatio);
    }
    expect(mlpRatioFor(2736, { embedDim: 1024, ffn: 'swiglu' })).toBe(4);
    // SO400M's ratio 3.777777778: as short as it can be told from the width.
    expect(ffnHiddenDim({ embedDim: 1152, ffn: 'mlp', mlpRatio: 3.777777778 })).toBe(4352);
    expect(mlpRatioFor(4352, { embedDim: 1152, ffn: 'mlp' })).toBeCloseTo(4352 / 1152, 3);
  });

  it('finds a ratio for every width', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 5000 }), fc.integer({ min: 1, max: 20_000 }), (embedDim, hidden) => {
        const back = (ffn: 'mlp' | 'swiglu', width: number): number =>
          ffnHiddenDim({ embedDim, ffn, mlpRatio: mlpRatioFor(width, { embedDim, ffn }) });
        expect(back('mlp', hidden)).toBe(hidden);
        expect(back('swiglu', 8 * hidden)).toBe(8 * hidden);
      }),
      { numRuns: 2000 },
    );
    expect(() => mlpRatioFor(37, { embedDim: 16, ffn: 'swiglu' })).toThrow('it is a multiple of 8');
    expect(() => mlpRatioFor(0, { embedDim: 16, ffn: 'mlp' })).toThrow(VitError);
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
    expect(() => vitConfig('small', { positions: 'none' as 'rope' })).toThrow('pass "table" or "rope"');
    expect(() => vitConfig('dinov3-small', { heads: 64 })).toThrow('heads of width 6');
    expect(() => vitConfig('small', { normEpsilon: 0 })).toThrow('normEpsilon 0');
    expect(() => vitConfig('small', { layerScale: NaN })).toThrow('layerScale NaN');
    for (const interpolation of ['antialias', { offset: '0.1', antialias: false }, { offset: -1, antialias: true }, { offset: 0 }]) {
      expect(() => vitConfig('small', { interpolation: interpolation as never })).toThrow(`interpolation ${JSON.stringify(interpolation)} is none; pass { offset:`);
    }
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
    // All at once.
    expect(() => checkParameters({ a: { shape: [6] }, c: { shape: [1] } }, expected)).toThrow(/"a" has.*\n.*"b" of.*\n.*"c" does/);
  });
});
