import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { centerCrop } from './center-crop';
import { resampleInto } from './resample';

const golden = JSON.parse(
  readFileSync(new URL('../../../tests/golden/data/images.json', import.meta.url), 'utf8'),
) as {
  width: number;
  height: number;
  input: string;
  crops: { crop: { left: number; top: number; width: number; height: number }; size: number; output: string }[];
  centers: { width: number; height: number; resize: number; crop: number; input: string; output: string }[];
};
const bytes = (text: string) => new Uint8Array(Buffer.from(text, 'base64'));
const image = { data: bytes(golden.input), width: golden.width, height: golden.height };

describe('resampleInto', () => {
  it.each(golden.crops)('equals PIL on $crop to $size', ({ crop, size, output }) => {
    const result = new Uint8Array(size * size * 3);
    resampleInto(image, { crop, width: size, height: size }, result);
    expect(result).toEqual(bytes(output));
  });

  it('keeps the image when the size stays', () => {
    const { width, height } = image;
    const result = new Uint8Array(image.data.length);
    resampleInto(image, { crop: { left: 0, top: 0, width, height }, width, height }, result);
    expect(result).toEqual(image.data);
  });

  it('mirrors, and computes windows of the same picture', () => {
    const coordinate = fc.integer({ min: 0, max: 40 });
    fc.assert(
      fc.property(coordinate, coordinate, fc.integer({ min: 1, max: 50 }), fc.integer({ min: 1, max: 30 }), (left, top, w, h) => {
        const crop = { left, top, width: Math.min(w, 96 - left), height: Math.min(h, 72 - top) };
        const whole = new Uint8Array(20 * 16 * 3);
        const flipped = new Uint8Array(20 * 16 * 3);
        const part = new Uint8Array(9 * 5 * 3);
        resampleInto(image, { crop, width: 20, height: 16 }, whole);
        resampleInto(image, { crop, width: 20, height: 16, flip: true }, flipped);
        resampleInto(image, { crop, width: 20, height: 16, window: { left: 6, top: 8, width: 9, height: 5 } }, part);
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

describe('centerCrop', () => {
  it.each(golden.centers)('equals PIL on $width × $height to $resize, $crop', ({ width, height, input, output, resize, crop }) => {
    expect(centerCrop({ data: bytes(input), width, height }, { resize, crop })).toEqual(bytes(output));
  });
});
