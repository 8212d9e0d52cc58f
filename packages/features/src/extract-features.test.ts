import { appendFileSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, truncateSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { preprocessings } from '@dinov2/augment';
import { openFolder, preprocess } from '@dinov2/data';
import sharp from 'sharp';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { extractFeatures } from './extract-features';
import { pixelExtractor } from './pixel-extractor';
import type { Extractor } from './types';

const preprocessing = { ...preprocessings.dinov2, resize: { shortestEdge: 32 }, crop: { height: 16, width: 24 } };
const outputs = { classTokens: 2, meanPatch: true, patchTokens: [0, 1] };
let folder: string;
let pictures: string;
let cache: string;

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'features-'));
  [pictures, cache] = ['pictures', 'cache'].map((name) => join(folder, name));
  mkdirSync(pictures);
  for (let i = 0; i < 7; i++) await draw(i);
});
afterEach(() => rmSync(folder, { recursive: true }));

const draw = (i: number, shade = 20 * i) =>
  sharp({ create: { width: 40 + i, height: 36, channels: 3, background: { r: shade, g: 90, b: 255 - shade } } })
    .composite([{ input: { create: { width: 9, height: 5 + i, channels: 3, background: '#ff8000' } }, left: i, top: 3 }])
    .png()
    .toFile(join(pictures, `${i}.png`));

/** Pixels as features, with a count of the images that went through. */
function counting(of: typeof outputs = outputs): Extractor & { images: number } {
  const pixels = pixelExtractor(of, { patchSize: 8, preprocessing });
  const counted = {
    ...pixels,
    images: 0,
    extract: (images: Parameters<Extractor['extract']>[0]) => {
      counted.images += images.shape[0];
      return pixels.extract(images);
    },
  };
  return counted;
}
const shardFile = (suffix: string) => {
  const [key] = readdirSync(cache);
  const names = readdirSync(join(cache, key)).filter((name) => name.endsWith(suffix));
  return join(cache, key, names[0]);
};

describe('extractFeatures', () => {
  it('gives what the extractor gives for each picture', async () => {
    const extractor = counting();
    const table = await extractFeatures(extractor, openFolder(pictures), { cache, batchSize: 3 });
    expect(table.count).toBe(7);
    expect([...table.indices]).toEqual([0, 1, 2, 3, 4, 5, 6]);
    expect(table.skipped).toEqual([]);
    for (let i = 0; i < 7; i++) {
      const tokens = await extractor.extract(await preprocess(table.paths[i], preprocessing));
      const D = extractor.embedDim;
      expect(table.classTokens().data.slice(i * D, (i + 1) * D)).toEqual(tokens.classTokens.data.slice(D));
      expect(table.classTokens(2).data.slice(i * D, (i + 1) * D)).toEqual(tokens.classTokens.data.slice(0, D));
      expect(table.meanPatches().data.slice(i * D, (i + 1) * D)).toEqual(tokens.meanPatch!.data);
      const patches = await table.patchTokens(i);
      expect(patches.shape).toEqual([2, 2, 3, D]);
      // Rounding to 11 bits.
      patches.data.forEach((value, j) => expect(Math.abs(value - tokens.patchTokens!.data[j])).toBeLessThanOrEqual(2 ** -11 * Math.abs(value) + 2 ** -25));
    }
    await table.close();
  });

  it('computes nothing that the cache has', async () => {
    const first = await extractFeatures(counting(), openFolder(pictures), { cache });
    const again = counting();
    const seen: number[] = [];
    const second = await extractFeatures(again, openFolder(pictures), { cache, onProgress: ({ cached }) => seen.push(cached) });
    expect(again.images).toBe(0);
    expect(seen).toEqual([7]);
    expect(second.classTokens()).toEqual(first.classTokens());
    expect(await second.patchTokens(3)).toEqual(await first.patchTokens(3));
    await first.close();
    await second.close();
  });
});
