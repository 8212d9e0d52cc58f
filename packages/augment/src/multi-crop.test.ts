import { createRandom } from '@dinov2/primitives';
import { describe, expect, it } from 'vitest';
import {
  augmentColumns,
  type CropParameters,
  jitterOperations,
  multiCropRecipe,
  nominalBlur,
  packAugmentParameters,
  sampleMultiCrop,
} from './index';

const image = { width: 500, height: 375 };
const draw = (count: number, recipe = multiCropRecipe()) => {
  const random = createRandom(5);
  return Array.from({ length: count }, () => sampleMultiCrop(random, image, recipe));
};
const share = (crops: readonly CropParameters[], test: (crop: CropParameters) => boolean) =>
  crops.filter(test).length / crops.length;

describe('sampleMultiCrop', () => {
  it('is a function of the generator', () => {
    const once = sampleMultiCrop(createRandom(9).fork(4), image, multiCropRecipe());
    const again = sampleMultiCrop(createRandom(9).fork(4), image, multiCropRecipe());
    expect(again).toEqual(once);
    expect(JSON.parse(JSON.stringify(once))).toEqual(once);
    expect(sampleMultiCrop(createRandom(9).fork(5), image, multiCropRecipe())).not.toEqual(once);
  });

  it('has the sizes of the recipe', () => {
    const [{ global, local }] = draw(1, multiCropRecipe({ globalSize: 112, localSize: 42, localCount: 3 }));
    expect(global.map(({ size }) => size)).toEqual([112, 112]);
    expect(local.map(({ size }) => size)).toEqual([42, 42, 42]);
  });

  it('applies each step as often as the recipe says', () => {
    const drawn = draw(4000);
    const first = drawn.map(({ global }) => global[0]);
    const second = drawn.map(({ global }) => global[1]);
    const local = drawn.flatMap((d) => d.local.slice(0, 1));
    // Four standard deviations of a share of 4000 draws: at most 0.032.
    const near = (value: number, expected: number) => expect(Math.abs(value - expected)).toBeLessThan(0.032);
    for (const crops of [first, second, local]) {
      near(share(crops, ({ flip }) => flip), 0.5);
      near(share(crops, ({ jitter }) => jitter !== null), 0.8);
      near(share(crops, ({ grayscale }) => grayscale), 0.2);
    }
    // The released models: first crop never blurred, second almost always.
    expect(share(first, ({ blurSigma }) => blurSigma !== null)).toBe(0);
    near(share(second, ({ blurSigma }) => blurSigma !== null), 0.9);
    near(share(local, ({ blurSigma }) => blurSigma !== null), 0.5);
    expect(share([...first, ...local], ({ solarize }) => solarize)).toBe(0);
    near(share(second, ({ solarize }) => solarize), 0.2);
    for (const { jitter, blurSigma } of [...first, ...second, ...local]) {
      if (blurSigma !== null) {
        expect(blurSigma).toBeGreaterThanOrEqual(0.1);
        expect(blurSigma).toBeLessThan(2);
      }
      if (jitter === null) continue;
      expect([...jitter.order].sort()).toEqual([...jitterOperations].sort());
      expect(Math.abs(jitter.brightness - 1)).toBeLessThanOrEqual(0.4);
      expect(Math.abs(jitter.contrast - 1)).toBeLessThanOrEqual(0.4);
      expect(Math.abs(jitter.saturation - 1)).toBeLessThanOrEqual(0.2);
      expect(Math.abs(jitter.hue)).toBeLessThanOrEqual(0.1);
    }
  });

  it('offers the documented blur by option', () => {
    const drawn = draw(500, multiCropRecipe({ blur: nominalBlur }));
    expect(drawn.every(({ global }) => global[0].blurSigma !== null)).toBe(true);
  });
});

describe('multiCropRecipe', () => {
  it.each([
    [{ solarize: 1.5 }, /solarize 1.5 is outside \[0, 1\]/],
    [{ globalSize: 0 }, /globalSize 0/],
    [{ localCount: -1 }, /localCount -1/],
    [{ localScale: [0.3, 0.1] as const }, /localScale \[0.3, 0.1\] is empty/],
    [{ hue: 0.6 }, /hue 0.6/],
    [{ blur: [0, 2, 0] as const }, /blur\[1\] 2/],
  ])('refuses %j', (changes, message) => {
    expect(() => multiCropRecipe(changes)).toThrow(message);
  });
});

describe('packAugmentParameters', () => {
  it('follows the table of columns', () => {
    const packed = packAugmentParameters([
      { jitter: null, grayscale: true, blurSigma: null, solarize: false },
      {
        jitter: { order: ['hue', 'contrast', 'brightness', 'saturation'], brightness: 0.5, contrast: 1.25, saturation: 0.75, hue: -0.1 },
        grayscale: false,
        blurSigma: 1.5,
        solarize: true,
      },
    ]);
    expect([...packed]).toEqual([
      ...[0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0],
      ...[1, 3, 1, 0, 2, 0.5, 1.25, 0.75, -25, 0, 1.5, 1], // trunc(255 · −0.1) = −25
    ]);
    expect(augmentColumns.solarize).toBe(11);
  });
});
