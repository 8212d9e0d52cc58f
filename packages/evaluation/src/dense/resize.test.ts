import { createRandom } from '@dinov2/primitives';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { fittedSize, resizeImage, resizeNearest } from './resize';

describe('resizeImage', () => {
  it('is Pillow’s bilinear resize but for its rounding between the passes', () => {
    // python: Image.fromarray(np.arange(0, 240, 4, dtype=np.uint8).reshape(4, 5, 3)).resize((3, 2), Image.BILINEAR), and (7, 6)
    const image = { data: Uint8Array.from({ length: 60 }, (_, i) => 4 * i), width: 5, height: 4 };
    const smaller = [48, 52, 56, 67, 71, 75, 86, 90, 94, 142, 146, 150, 161, 165, 169, 180, 184, 188];
    const larger = [0, 4, 8, 7, 11, 15, 15, 19, 23, 24, 28, 32, 33, 37, 41, 41, 45, 49, 48, 52, 56, 30, 34, 38, 37, 41, 45, 45, 49, 53, 54, 58, 62, 63, 67, 71, 71, 75, 79, 78, 82, 86, 70, 74, 78, 77, 81, 85, 85, 89, 93, 94, 98, 102, 103, 107, 111, 111, 115, 119, 118, 122, 126, 110, 114, 118, 117, 121, 125, 125, 129, 133, 134, 138, 142, 143, 147, 151, 151, 155, 159, 158, 162, 166, 150, 154, 158, 157, 161, 165, 165, 169, 173, 174, 178, 182, 183, 187, 191, 191, 195, 199, 198, 202, 206, 180, 184, 188, 187, 191, 195, 195, 199, 203, 204, 208, 212, 213, 217, 221, 221, 225, 229, 228, 232, 236];
    const differ = (a: Uint8Array, b: readonly number[]) => Math.max(...b.map((value, i) => Math.abs(value - a[i]!)));
    expect(differ(resizeImage(image, 3, 2).data, smaller)).toBeLessThanOrEqual(1);
    expect(differ(resizeImage(image, 7, 6).data, larger)).toBeLessThanOrEqual(1);
  });

  it('keeps the range, and a constant', () => {
    const side = fc.integer({ min: 1, max: 30 });
    fc.assert(
      fc.property(side, side, side, side, fc.nat(1000), (w, h, width, height, seed) => {
        const random = createRandom(seed);
        const data = Uint8Array.from({ length: w * h * 3 }, () => 50 + random.integer(100));
        const resized = resizeImage({ data, width: w, height: h }, width, height);
        expect(resized.data.length).toBe(width * height * 3);
        expect(Math.min(...resized.data)).toBeGreaterThanOrEqual(Math.min(...data));
        expect(Math.max(...resized.data)).toBeLessThanOrEqual(Math.max(...data));
        const flat = resizeImage({ data: data.fill(93), width: w, height: h }, width, height);
        expect(flat.data.every((value) => value === 93)).toBe(true);
      }),
      { numRuns: 50 },
    );
  });
});

describe('resizeNearest', () => {
  it('repeats pixels when it doubles and takes every second when it halves', () => {
    const map = { data: Uint8Array.of(1, 2, 3, 4), width: 2, height: 2 };
    const doubled = resizeNearest(map, 4, 4);
    expect([...doubled.data]).toEqual([1, 1, 2, 2, 1, 1, 2, 2, 3, 3, 4, 4, 3, 3, 4, 4]);
    expect(resizeNearest(doubled, 2, 2)).toEqual(map);
  });
});

describe('fittedSize', () => {
  it('keeps proportions under both limits', () => {
    expect(fittedSize({ width: 640, height: 480 }, 240)).toEqual({ width: 320, height: 240 });
    expect(fittedSize({ width: 2000, height: 200 }, 512, 2048)).toEqual({ width: 2048, height: 205 });
  });
});
