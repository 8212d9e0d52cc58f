import { readFileSync } from 'node:fs';
import type { RgbImage } from '@dinov2/data';
import { createRandom } from '@dinov2/primitives';
import { describe, expect, it } from 'vitest';
import { type QualityColumns, qualityColumnNames, qualityColumns, qualityScore } from './index';

interface Golden {
  picture: 'picture' | 'smooth';
  width: number;
  height: number;
  columns: Partial<QualityColumns>;
}
const goldens = JSON.parse(readFileSync(new URL('columns.golden.json', import.meta.url), 'utf8')) as Golden[];

function paint(width: number, height: number, colour: (x: number, y: number) => number[]): RgbImage {
  const data = new Uint8Array(width * height * 3);
  for (let i = 0; i < width * height; i++) data.set(colour(i % width, Math.floor(i / width)), 3 * i);
  return { data, width, height };
}

const pictures = {
  picture: (width: number, height: number) =>
    paint(width, height, (x, y) => [
      x * 7 + Math.floor((y * y) / 5),
      Math.floor((x * x) / 11) + y * 3,
      Math.floor(x / 9) * Math.floor(y / 7) * 31,
    ]),
  smooth: (width: number, height: number) =>
    paint(width, height, (x, y) => [90 + Math.floor((60 * x) / width), 100 + Math.floor((50 * y) / height), 80]),
};

describe('qualityColumns', () => {
  it.each(goldens)('are those of NumPy, SciPy and scikit-image: $picture $width × $height', ({ picture, width, height, columns }) => {
    const measured = qualityColumns(pictures[picture](width, height));
    // Sums of integers are exact; quotients and logarithms differ in their last digits.
    for (const [name, value] of Object.entries(columns)) {
      expect(measured[name as keyof QualityColumns], name).toBeCloseTo(value!, 9);
    }
    expect(measured).toMatchObject({ width, height, aspect: width / height, megapixels: (width * height) / 1e6 });
  });

  it('knows a flat picture', () => {
    expect(qualityColumns(paint(300, 260, () => [10, 10, 10]))).toMatchObject({
      sharpness: 0,
      noise: 0,
      contrast: 0,
      uniformity: 1,
      entropy: 0,
      saturation: 0,
      colourfulness: 0,
      quality: 0,
      brightness05: 10 / 255,
      brightness99: 10 / 255,
    });
  });

  it('has a noise of 1 for white noise of any contrast', () => {
    const random = createRandom(5);
    for (const amplitude of [20, 100]) {
      const { noise } = qualityColumns(paint(200, 200, () => Array(3).fill(128 + random.uniform(-amplitude, amplitude))));
      // Estimated from 40,000 pixels; the spread of such estimates was below 0.02 over twenty seeds.
      expect(Math.abs(noise - 1)).toBeLessThan(0.05);
    }
  });

  it('has the columns that are listed', () => {
    expect(Object.keys(qualityColumns(pictures.smooth(9, 9))).toSorted()).toEqual([...qualityColumnNames].toSorted());
  });

  it('measures a picture of a single line', () => {
    expect(qualityColumns(paint(40, 1, (x) => [x, x, x])).sharpness).toBe(0);
  });
});

describe('qualityScore', () => {
  it('is 1 for what is good in everything and falls with each', () => {
    const good = { width: 640, height: 480, sharpness: 5000, contrast: 0.25, entropy: 7.5 };
    expect(qualityScore(good)).toBeCloseTo(1, 9);
    expect(qualityScore({ ...good, width: 112 })).toBeCloseTo(0.5 ** 0.25, 9);
    expect(qualityScore({ ...good, contrast: 0.075 })).toBeCloseTo(0.5 ** 0.25, 9);
    expect(qualityScore({ ...good, entropy: 3.5 })).toBeCloseTo(0.5 ** 0.25, 9);
    expect(qualityScore({ ...good, sharpness: 100 * Math.LN2 })).toBeCloseTo(0.5 ** 0.25, 9);
  });
});
