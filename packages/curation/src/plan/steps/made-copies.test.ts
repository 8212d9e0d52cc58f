import { describe, expect, it } from 'vitest';
import { makeCopies } from './made-copies';

/** A picture that is brighter to the right, and redder below. */
function slope(width: number, height: number) {
  const data = new Uint8Array(3 * width * height);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) data.set([(120 * y) / height, (160 * x) / width, (160 * x) / width].map((value) => 20 + value), 3 * (y * width + x));
  }
  return { data, width, height };
}
const mean = (data: ArrayLike<number>) => Array.from(data).reduce((sum, value) => sum + value, 0) / data.length;

describe('makeCopies', () => {
  it('compresses, makes smaller, cuts margins and brightens', async () => {
    const original = slope(200, 100);
    const copies = await makeCopies(original);
    expect(copies.map(({ width, height }) => [width, height])).toEqual([[200, 100], [100, 50], [180, 90], [200, 100]]);
    for (const { data, width, height } of copies) expect(data.length).toBe(3 * width * height);
    const [compressed, smaller, cut, brighter] = copies.map(({ data }) => mean(data)) as [number, number, number, number];
    // Compression, scaling and even margins leave the mean, up to the rounding of JPEG.
    for (const same of [compressed, smaller, cut]) expect(Math.abs(same - mean(original.data))).toBeLessThan(1.5);
    expect(brighter / mean(original.data)).toBeCloseTo(1.15, 1);
    expect(copies[0]!.data).not.toEqual(original.data);
  });

  it('makes no side smaller than 16 pixels, and none larger', async () => {
    for (const [width, height] of [[16, 16], [100, 8], [10, 30], [24, 20]] as const) {
      for (const copy of await makeCopies(slope(width, height))) {
        expect(Math.min(copy.width, copy.height)).toBeGreaterThanOrEqual(Math.min(width, height, 16));
        expect(copy.width).toBeLessThanOrEqual(width);
      }
    }
  });
});
