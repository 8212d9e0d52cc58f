import { createRandom } from '@dinov2/primitives';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { rectangles } from '../dense/scenes.testing';
import { type SegmentationAugmentation, segmentationView } from './augmentation';

const recipe: SegmentationAugmentation = {
  shortSide: 24,
  crop: [20, 28],
  ratio: [0.5, 2],
  categoryMaxRatio: 0.75,
  flipProbability: 0.5,
  photometricDistortion: false,
};

/** Colours of the scenes' classes without light: red, green, or the ground's blue-grey. */
const classOf = (r: number, g: number, b: number) => (b > 110 ? 0 : r > g ? 1 : 2);

describe('views of labelled pictures', () => {
  it('keep picture and mask together: colours tell the labels, but at edges', async () => {
    const scenes = rectangles(20);
    for (let i = 0; i < 20; i++) {
      const { image, mask } = segmentationView(await scenes.sample(i), recipe, createRandom(1).fork(i));
      expect([image.width, image.height, mask.width, mask.height]).toEqual([28, 20, 28, 20]);
      let labelled = 0;
      let equal = 0;
      mask.data.forEach((label, p) => {
        const [r, g, b] = image.data.subarray(3 * p, 3 * p + 3);
        if (label === 255) return expect([r, g, b]).toEqual([124, 116, 104]);
        labelled++;
        if (classOf(r!, g!, b!) === label) equal++;
      });
      // Along the rectangle's outline colours are mixed.
      expect(equal / labelled).toBeGreaterThan(0.75);
    }
  });

  it('are the middle of the resized picture without a generator, and the same with equal seeds', async () => {
    const sample = await rectangles(1).sample(0);
    const plain = segmentationView(sample, { ...recipe, crop: [24, 32] });
    expect(plain).toEqual({ image: sample.image, mask: sample.mask });
    const distort = { ...recipe, photometricDistortion: true };
    const draw = (seed: number) => segmentationView(sample, distort, createRandom(seed));
    expect(draw(3)).toEqual(draw(3));
    expect(draw(3)).not.toEqual(draw(4));
  });

  it('avoid crops that one class fills', async () => {
    const sample = await rectangles(1).sample(0);
    const share = (categoryMaxRatio: number) => {
      let filled = 0;
      for (let seed = 0; seed < 40; seed++) {
        const { mask } = segmentationView(sample, { ...recipe, ratio: [2, 2], crop: [12, 12], categoryMaxRatio }, createRandom(seed));
        if (new Set(mask.data).size === 1) filled++;
      }
      return filled;
    };
    expect(share(0.75)).toBeLessThan(share(1) / 2);
  });

  it('have the crop’s size for pictures of any size', () => {
    const side = fc.integer({ min: 1, max: 60 });
    fc.assert(
      fc.property(side, side, side, side, fc.nat(1000), (width, height, cropHeight, cropWidth, seed) => {
        const sample = {
          image: { data: new Uint8Array(width * height * 3), width, height },
          mask: { data: new Uint8Array(width * height), width, height },
        };
        const view = segmentationView(sample, { ...recipe, crop: [cropHeight, cropWidth], longSide: 100 }, createRandom(seed));
        expect([view.image.data.length, view.mask.data.length]).toEqual([cropHeight * cropWidth * 3, cropHeight * cropWidth]);
        expect(view.mask.data.every((label) => label === 0 || label === 255)).toBe(true);
      }),
      { numRuns: 50 },
    );
  });
});
