import { preprocessings } from '@dinov2/augment';
import { describe, expect, it } from 'vitest';
import { pixelExtractor } from './pixel-extractor';

const options = { patchSize: 2, preprocessing: preprocessings.dinov2 };
// (1, 4, 6, 3): red is the row, green the column, blue 1.
const image = {
  data: Float32Array.from({ length: 72 }, (_, i) => [Math.floor(i / 18), Math.floor(i / 3) % 6, 1][i % 3]!),
  shape: [1, 4, 6, 3],
};

describe('pixelExtractor', () => {
  it('gives the pixels of each patch', async () => {
    const { patchTokens } = await pixelExtractor({ classTokens: 0, patchTokens: [5, 11] }, options).extract(image);
    expect(patchTokens!.shape).toEqual([1, 2, 2, 3, 12]);
    const token = (block: number, row: number, column: number) => [...patchTokens!.data].slice(((block * 2 + row) * 3 + column) * 12).slice(0, 12);
    expect(token(0, 1, 2)).toEqual([2, 4, 1, 2, 5, 1, 3, 4, 1, 3, 5, 1]);
    expect(token(1, 1, 2)).toEqual(token(0, 1, 2));
  });

  it('shrinks the picture to the size of a patch for the class token', async () => {
    const { classTokens, meanPatch } = await pixelExtractor({ classTokens: 2, meanPatch: true }, options).extract(image);
    expect(classTokens.shape).toEqual([1, 2, 12]);
    // Means of rows 0–1 and 2–3, of columns 0–2 and 3–5.
    const shrunk = [0.5, 1, 1, 0.5, 4, 1, 2.5, 1, 1, 2.5, 4, 1];
    expect([...classTokens.data]).toEqual([...shrunk, ...shrunk]);
    // Over patches, the first pixel has rows 0 and 2 and columns 0, 2 and 4.
    expect([...meanPatch!.data].slice(0, 3)).toEqual([1, 2, 1]);
    expect(meanPatch!.shape).toEqual([1, 12]);
  });

  it('is known by its outputs and patch size, and has no attention', () => {
    const key = (classTokens: number, patchSize = 2) => pixelExtractor({ classTokens }, { ...options, patchSize }).key;
    expect(new Set([key(1), key(2), key(1, 4)]).size).toBe(3);
    expect(key(1)).toBe(key(1));
    expect(pixelExtractor({ classTokens: 1 }, options)).toMatchObject({ name: 'raw pixels', embedDim: 12, patchSize: 2 });
    expect(() => pixelExtractor({ classTokens: 1, attention: true }, options)).toThrow('pixels have no attention');
  });
});
