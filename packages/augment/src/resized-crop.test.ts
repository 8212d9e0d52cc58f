import { createRandom } from '@dinov2/primitives';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { sampleResizedCrop } from './resized-crop';

const ratio = [3 / 4, 4 / 3] as const;

describe('sampleResizedCrop', () => {
  it('stays inside any image', () => {
    const side = fc.integer({ min: 1, max: 3000 });
    fc.assert(
      fc.property(fc.nat(), side, side, (seed, width, height) => {
        const { left, top, width: w, height: h } = sampleResizedCrop(
          createRandom(seed),
          { width, height },
          [0.05, 0.32],
          ratio,
        );
        expect(w).toBeGreaterThan(0);
        expect(h).toBeGreaterThan(0);
        expect(left).toBeGreaterThanOrEqual(0);
        expect(top).toBeGreaterThanOrEqual(0);
        expect(left + w).toBeLessThanOrEqual(width);
        expect(top + h).toBeLessThanOrEqual(height);
      }),
    );
  });

  it('draws areas and ratios from the ranges', () => {
    const random = createRandom(3);
    const drawn = Array.from({ length: 2000 }, () =>
      sampleResizedCrop(random, { width: 1000, height: 1000 }, [0.05, 0.32], ratio),
    );
    const areas = drawn.map(({ width, height }) => (width * height) / 1e6);
    // Sides are whole pixels: 1/2 of at least 190, so 0.3 % of a side.
    expect(Math.min(...areas)).toBeGreaterThan(0.05 * 0.993);
    expect(Math.max(...areas)).toBeLessThan(0.32 * 1.007);
    for (const { width, height } of drawn) {
      expect(width / height).toBeGreaterThan(0.75 * 0.993);
      expect(width / height).toBeLessThan((4 / 3) * 1.007);
    }
    // Uniform on [0.05, 0.32]: mean 0.185, standard deviation 0.078, so 0.0017 for the mean of 2000.
    expect(areas.reduce((a, b) => a + b) / areas.length).toBeCloseTo(0.185, 2);
  });

  // torchvision falls back to the central crop of the nearest permitted ratio.
  it.each([
    { width: 1000, height: 10, expected: { left: 493, top: 0, width: 13, height: 10 } },
    { width: 10, height: 1000, expected: { left: 0, top: 493, width: 10, height: 13 } },
  ])('cuts the middle out of $width × $height', ({ width, height, expected }) => {
    const random = createRandom(1);
    // Shares from 0.9 cannot fit with a ratio below 4/3.
    expect(sampleResizedCrop(random, { width, height }, [0.9, 1], ratio)).toEqual(expected);
  });
});
