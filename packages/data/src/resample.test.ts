import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { resample } from './resample';

const golden = JSON.parse(
  readFileSync(new URL('../../../tests/golden/data/images.json', import.meta.url), 'utf8'),
) as {
  width: number;
  height: number;
  input: string;
  crops: { crop: { left: number; top: number; width: number; height: number }; size: number; output: string }[];
};
const bytes = (text: string) => new Uint8Array(Buffer.from(text, 'base64'));
const image = { data: bytes(golden.input), width: golden.width, height: golden.height };

describe('resample', () => {
  it.each(golden.crops)('equals PIL on $crop to $size', ({ crop, size, output }) => {
    expect(resample(image, [{ crop, width: size, height: size }])).toEqual(bytes(output));
  });

  it('keeps the image when the size stays', () => {
    const { width, height } = image;
    const task = { crop: { left: 0, top: 0, width, height }, width, height };
    expect(resample(image, [task])).toEqual(image.data);
  });

  it('mirrors, and computes windows of the same picture', () => {
    const coordinate = fc.integer({ min: 0, max: 40 });
    fc.assert(
      fc.property(coordinate, coordinate, fc.integer({ min: 1, max: 50 }), fc.integer({ min: 1, max: 30 }), (left, top, w, h) => {
        const crop = { left, top, width: Math.min(w, 96 - left), height: Math.min(h, 72 - top) };
        const task = { crop, width: 20, height: 16 };
        const whole = resample(image, [task]);
        const flipped = resample(image, [{ ...task, flip: true }]);
        const window = { left: 6, top: 8, width: 9, height: 5 };
        const part = resample(image, [{ ...task, window }]);
        expect(resample(image, [task, { ...task, window }])).toEqual(Uint8Array.from([...whole, ...part]));
        for (let y = 0; y < 16; y++) {
          for (let x = 0; x < 20; x++) {
            const at = (y * 20 + x) * 3;
            const mirrored = (y * 20 + 19 - x) * 3;
            expect(flipped.subarray(mirrored, mirrored + 3)).toEqual(whole.subarray(at, at + 3));
          }
        }
        for (let y = 0; y < 5; y++) {
          const at = ((y + 8) * 20 + 6) * 3;
          expect(part.subarray(y * 27, y * 27 + 27)).toEqual(whole.subarray(at, at + 27));
        }
      }),
      { numRuns: 25 },
    );
  });
});

it('gives back the memory of a huge image and refuses what is outside it', () => {
  const width = 8000;
  const height = 3000;
  const huge = { data: new Uint8Array(width * height * 3).fill(7), width, height };
  const crop = { left: 0, top: 0, width, height };
  expect(new Set(resample(huge, [{ crop, width: 30, height: 30 }]))).toEqual(new Set([7]));
  expect(() => resample(image, [{ crop, width: 30, height: 30 }])).toThrow(/crop of 8000 × 3000 pixels at \(0, 0\) does not fit the image of 96 × 72/);
});
