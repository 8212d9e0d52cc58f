import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { type Preprocessing, type PreprocessingName, preprocessings } from '@dinov2/augment';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { expectAllclose } from '../../../tests/support/allclose';
import { hashed } from '../../../tests/support/hash';
import type { RgbImage } from './decode';
import { newFolder, put, wave } from './pictures.testing';
import { preprocess } from './preprocess';

interface Golden {
  resize: number;
  crop: number;
  pictures: Record<string, { width: number; height: number; data: string }>;
  results: { preprocessing: PreprocessingName; picture: string; output: string }[];
  files: { name: string; preprocessing: PreprocessingName; file: string; output: string }[];
  large: { preprocessing: PreprocessingName; shape: number[]; values: string; sha256: string | null }[];
}

/** What the programs of each family made, see tests/golden/preprocessing.py. */
const golden = JSON.parse(
  readFileSync(new URL('../../../tests/golden/data/preprocessing.json', import.meta.url), 'utf8'),
) as Golden;
const bytes = (text: string) => new Uint8Array(Buffer.from(text, 'base64'));
const floats = (text: string) => new Float32Array(bytes(text).buffer);

/** The roundings of (v / 255 − mean) / std in float32, and of PyTorch's float32 sums where it resizes floats. */
const tolerance = { atol: 1e-6 };

/** A preset with the sizes of the golden pictures. */
function small(name: PreprocessingName): Preprocessing {
  const { crop: _crop, resize, ...rest } = preprocessings[name];
  const square = { height: golden.crop, width: golden.crop };
  return 'shortestEdge' in resize
    ? { ...rest, resize: { shortestEdge: golden.resize }, crop: square }
    : { ...rest, resize: { height: golden.resize, width: golden.resize } };
}

describe('preprocess', () => {
  it.each(golden.results)("gives $preprocessing's values of $picture", async ({ preprocessing, picture, output }) => {
    const { width, height, data } = golden.pictures[picture];
    const result = await preprocess({ width, height, data: bytes(data) }, small(preprocessing));
    expectAllclose(result.data, floats(output), tolerance);
  });

  it.each(golden.files)("gives $preprocessing's values of a file with $name", async ({ name, preprocessing, file, output }) => {
    const path = put(newFolder(), `${name}.png`, bytes(file));
    const result = await preprocess(path, small(preprocessing), { minimumSide: 1 });
    expectAllclose(result.data, floats(output), tolerance);
  });

  const noise: RgbImage = { width: 640, height: 427, data: Uint8Array.from(hashed(1, 427 * 640 * 3)) };
  it.each(golden.large)("gives $preprocessing's values of noise at its own size", async (expected) => {
    const preprocessing = preprocessings[expected.preprocessing];
    const { data, shape } = await preprocess(noise, preprocessing);
    expect(shape).toEqual([1, ...expected.shape]);
    expectAllclose(data.filter((_, i) => i % 997 === 0), floats(expected.values), tolerance);
    if (expected.sha256 === null) return;
    const { mean, std } = preprocessing;
    const levels = Uint8Array.from(data, (v, i) => Math.round((v * std[i % 3] + mean[i % 3]) * 255));
    expect(createHash('sha256').update(levels).digest('hex')).toBe(expected.sha256);
  });

  it('tells apart what differs between the programs', () => {
    const hashes = golden.large.map(({ sha256 }) => sha256);
    expect(new Set(hashes).size).toBe(hashes.length);
  });

  it('keeps a flat picture flat and gives the size asked for', async () => {
    const side = fc.integer({ min: 1, max: 60 });
    await fc.assert(
      fc.asyncProperty(side, side, side, side, fc.constantFrom('pillow', 'torch', 'torch-float'), async (width, height, a, b, resizer) => {
        const image = { width, height, data: new Uint8Array(width * height * 3).fill(200) };
        const resize = { height: Math.max(a, b), width: a };
        const crop = { height: b, width: a };
        const plain = { resample: 'bicubic', resizer, mean: [0, 0, 0], std: [1, 1, 1] } as const;
        const { data, shape } = await preprocess(image, { ...plain, resize, crop });
        expect(shape).toEqual([1, b, a, 3]);
        // Weights of 16 bits add up to 1 within their rounding: one level where many meet.
        for (const v of data) expect(Math.abs(v * 255 - 200)).toBeLessThanOrEqual(resizer === 'torch' ? 1 : 1e-4);
      }),
    );
  });

  it('refuses a crop that does not fit', async () => {
    const path = put(newFolder(), 'a.png', await wave(60, 40).png().toBuffer());
    const preprocessing = { ...preprocessings.dinov2, resize: { height: 200, width: 300 } };
    await expect(preprocess(path, preprocessing)).rejects.toThrow(/a crop of 224 × 224 pixels does not fit a picture resized to 300 × 200/);
  });
});
