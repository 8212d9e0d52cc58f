import { appendFileSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, truncateSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { preprocessings } from '@dinov2/augment';
import { openFolder, preprocess } from '@dinov2/data';
import sharp from 'sharp';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { extractFeatures, type ExtractOptions } from './extract-features';
import { pixelExtractor } from './pixel-extractor';
import type { Extractor, ExtractProgress, Outputs } from './types';

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

/** Extract, look at the class tokens, close. */
async function run(extractor: ReturnType<typeof counting>, options: Partial<ExtractOptions> = {}, source = openFolder(pictures)) {
  const before = extractor.images;
  const table = await extractFeatures(extractor, source, { cache, ...options });
  const { data } = table.classTokens();
  await table.close();
  return { data, computed: extractor.images - before, count: table.count, indices: [...table.indices], skipped: table.skipped };
}

/** The first file of this kind in the cache. */
const cacheFile = (suffix: string) => {
  const [key] = readdirSync(cache);
  return join(cache, key, readdirSync(join(cache, key)).find((name) => name.endsWith(suffix))!);
};

const flipByte = (path: string, at: number) => {
  const bytes = readFileSync(path);
  bytes[at] ^= 1;
  writeFileSync(path, bytes);
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

  it('computes a changed file again, and no other', async () => {
    const extractor = counting();
    const { data } = await run(extractor);
    const times = statSync(join(pictures, '3.png'));
    await draw(3, 200);
    // Even where the clock says that nothing happened.
    utimesSync(join(pictures, '3.png'), times.atime, new Date(times.mtimeMs + 1));
    const changed = await run(extractor);
    expect(changed.computed).toBe(1);
    const D = extractor.embedDim;
    const rows = [...Array(7).keys()].filter((i) => changed.data.subarray(i * D, (i + 1) * D).some((x, j) => x !== data[i * D + j]));
    expect(rows).toEqual([3]);
  });

  it('leaves out what cannot be read, and says why', async () => {
    writeFileSync(join(pictures, '2b.png'), 'no picture');
    const extractor = counting();
    for (const computed of [7, 0]) {
      const result = await run(extractor, { batchSize: 2 });
      expect(result).toMatchObject({ computed, count: 7, indices: [0, 1, 2, 4, 5, 6, 7] });
      expect(result.skipped).toEqual([{ path: join(pictures, '2b.png'), index: 3, reason: expect.stringContaining('unsupported image format') as string }]);
    }
  });

  it('fails where nothing can be read', async () => {
    const source = { paths: [join(pictures, 'gone.png')], labels: Int32Array.of(-1), classes: [] };
    await expect(extractFeatures(counting(), source, { cache })).rejects.toThrow('none of the 1 images can be read');
  });

  it.each([
    ['a broken end of the index', () => appendFileSync(cacheFile('.index.jsonl'), '["/half/a/li'), 0],
    ['a line of the index cut off', () => truncateSync(cacheFile('.index.jsonl'), statSync(cacheFile('.index.jsonl')).size - 3), 1],
    ['an unreadable line of the index', () => flipByte(cacheFile('.index.jsonl'), readFileSync(cacheFile('.index.jsonl')).lastIndexOf('[')), 1],
    ['an index without a header', () => truncateSync(cacheFile('.index.jsonl'), 5), 7],
    ['a record cut off', () => truncateSync(cacheFile('.vectors'), statSync(cacheFile('.vectors')).size - 4), 1],
    ['patch tokens cut off', () => truncateSync(cacheFile('.dense'), 4), 7],
    ['a changed bit', () => flipByte(cacheFile('.vectors'), 5), 1],
    ['records that are gone', () => rmSync(cacheFile('.vectors')), 7],
  ] as const)('computes again what a damaged cache lost: %s', async (_, damage, lost) => {
    const extractor = counting();
    const { data } = await run(extractor);
    damage();
    expect(await run(extractor)).toMatchObject({ computed: lost, data });
    expect(await run(extractor)).toMatchObject({ computed: 0, data });
  });

  it('notices damaged patch tokens when they are read, and computes them in the next run', async () => {
    const extractor = counting();
    const source = openFolder(pictures);
    await (await extractFeatures(extractor, source, { cache })).close();
    flipByte(cacheFile('.dense'), 0);
    const damaged = await extractFeatures(extractor, source, { cache });
    await expect(damaged.patchTokens(0)).rejects.toThrow('are damaged; extract again');
    await damaged.patchTokens(1);
    await damaged.close();
    const repaired = await extractFeatures(extractor, source, { cache });
    expect(extractor.images).toBe(8);
    await repaired.patchTokens(0);
    await repaired.close();
  });

  it('keeps features of other preprocessing, decoding and precision apart', async () => {
    const extractor = counting();
    await run(extractor);
    const square = { ...preprocessing, crop: { height: 16, width: 16 } };
    for (const options of [{ preprocessing: square }, { decode: { autoOrient: true } }, { precision: 'float32' as const }]) {
      expect((await run(extractor, options)).computed).toBe(7);
    }
    expect((await run(extractor)).computed).toBe(0);
  });

  it('serves fewer outputs from records of more, whichever the order of blocks', async () => {
    // Patch tokens that tell their block.
    const numbered = (of: Partial<Outputs>) => {
      const extractor = counting({ ...outputs, ...of } as typeof outputs);
      const extract: Extractor['extract'] = async (images) => {
        const tokens = await extractor.extract(images);
        tokens.classTokens.data.forEach((_, i) => (tokens.classTokens.data[i] = Math.floor(i / 192) % extractor.outputs.classTokens));
        const size = tokens.patchTokens ? tokens.patchTokens.data.length / tokens.count / extractor.outputs.patchTokens!.length : 1;
        tokens.patchTokens?.data.forEach((_, i) => (tokens.patchTokens!.data[i] = extractor.outputs.patchTokens![Math.floor(i / size) % extractor.outputs.patchTokens!.length]));
        return tokens;
      };
      return Object.assign(Object.create(extractor) as typeof extractor, { extract });
    };
    const all = numbered({ classTokens: 3, patchTokens: [4, 2, 7] });
    const source = openFolder(pictures);
    await (await extractFeatures(all, source, { cache })).close();
    const some = await extractFeatures(numbered({ classTokens: 2, meanPatch: false, patchTokens: [7, 4] }), source, { cache, onProgress: ({ cached }) => expect(cached).toBe(7) });
    expect([some.classTokens(1).data[500], some.classTokens(2).data[500]]).toEqual([2, 1]);
    expect(() => some.meanPatches()).toThrow('ask for meanPatch');
    const { data, shape } = await some.patchTokens(3);
    expect(shape).toEqual([2, 2, 3, 192]);
    expect([data[0], data.at(-1)]).toEqual([7, 4]);
    await some.close();
    const counted = async (of: Partial<Outputs>, options: Partial<ExtractOptions> = {}) => (await run(counting({ ...outputs, patchTokens: [4], ...of } as typeof outputs), options)).computed;
    expect(await counted({ classTokens: 3 })).toBe(0);
    expect(await counted({ patchTokens: undefined as never }, { precision: 'float32' })).toBe(0); // there are none to be precise
    expect(await counted({ classTokens: 4 })).toBe(7);
    expect(await counted({ patchTokens: [3] })).toBe(7);
    expect(await counted({ norm: false } as never)).toBe(7);
    expect(await counted({}, { precision: 'float32' })).toBe(7);
    expect(await counted({})).toBe(0);
  });

  it('takes parts of files, and files named twice', async () => {
    const path = openFolder(pictures).paths[6];
    const boxes = [undefined, { left: 0, top: 0, width: 20, height: 20 }, undefined, { left: 20, top: 0, width: 20, height: 20 }];
    const source = { paths: [path, path, path, path], labels: new Int32Array(4), classes: ['a'], boxes };
    const extractor = counting();
    const { data, computed, count } = await run(extractor, {}, source);
    expect([computed, count]).toEqual([3, 4]);
    const rows = [0, 1, 2, 3].map((i) => data.slice((i * data.length) / 4, ((i + 1) * data.length) / 4));
    expect(rows[2]).toEqual(rows[0]);
    expect(new Set(rows.map(String)).size).toBe(3);
    expect((await run(extractor, {}, source)).computed).toBe(0);
  });

  it('tells images inside one file apart', async () => {
    const files = openFolder(pictures).paths.slice(0, 3).map((path) => readFileSync(path));
    const path = join(pictures, 'all.bin');
    writeFileSync(path, Buffer.concat(files));
    const spans = files.map(({ length }, i) => ({ offset: files.slice(0, i).reduce((sum, file) => sum + file.length, 0), length }));
    const source = { paths: [path, path, path], labels: new Int32Array(3), classes: ['a'], spans };
    const extractor = counting();
    const alone = await run(extractor);
    const { data, computed } = await run(extractor, {}, source);
    expect(computed).toBe(3);
    expect(data).toEqual(alone.data.slice(0, data.length));
    expect((await run(extractor, {}, source)).computed).toBe(0);
  });

  it('keeps patch tokens in float32 where asked to, to the bit', async () => {
    const extractor = counting();
    const table = await extractFeatures(extractor, openFolder(pictures), { cache, precision: 'float32' });
    const { patchTokens } = await extractor.extract(await preprocess(table.paths[6], preprocessing));
    expect((await table.patchTokens(6)).data).toEqual(patchTokens!.data);
    await table.close();
  });

  it('stops when told to, and goes on from there', async () => {
    const extractor = counting();
    const stop = new AbortController();
    const stopped = run(extractor, { batchSize: 1, signal: stop.signal, onProgress: ({ done }) => done === 3 && stop.abort() });
    await expect(stopped).rejects.toThrow('This operation was aborted');
    const { computed, data } = await run(extractor, { batchSize: 1 });
    expect(computed).toBeLessThan(7);
    expect(data).toEqual((await run(extractor, { cache: join(folder, 'other') })).data);
  });

  it('does not wait for the extractor when told to stop', async () => {
    const stop = new AbortController();
    const stuck: Extractor = { ...counting(), extract: () => (setTimeout(() => stop.abort(new Error('enough')), 10), new Promise(() => {})) };
    await expect(extractFeatures(stuck, openFolder(pictures), { cache, signal: stop.signal })).rejects.toThrow('enough');
  });

  it('keeps patch tokens alone', async () => {
    const extractor = counting({ classTokens: 0, meanPatch: false, patchTokens: [0] });
    for (let i = 0; i < 2; i++) {
      const table = await extractFeatures(extractor, openFolder(pictures), { cache });
      expect((await table.patchTokens(4)).shape).toEqual([1, 2, 3, 192]);
      expect(() => table.classTokens()).toThrow('of a table with 0');
      await table.close();
    }
    expect(extractor.images).toBe(7);
  });

  it('tells how far it is', async () => {
    const seen: ExtractProgress[] = [];
    await run(counting(), { batchSize: 3, onProgress: (progress) => seen.push(progress) });
    expect(seen.map(({ done }) => done)).toEqual([0, 3, 6, 7]);
    expect(seen[0]).toEqual({ done: 0, total: 7, cached: 0, imagesPerSecond: 0, secondsLeft: Infinity });
    expect(seen[1].secondsLeft).toBeCloseTo(4 / seen[1].imagesPerSecond, 6);
    expect(seen[3].secondsLeft).toBe(0);
  });

  it('uses a temporary folder without a cache, and removes it', async () => {
    const folders = () => readdirSync(tmpdir()).filter((name) => name.startsWith('dinov2-features-'));
    const before = folders();
    const table = await extractFeatures(counting(), openFolder(pictures));
    const [own] = folders().filter((name) => !before.includes(name));
    expect((await table.patchTokens(0)).shape).toEqual([2, 2, 3, 192]);
    await table.close();
    expect(folders()).not.toContain(own);
  });

  it('says that a cache cannot be made', async () => {
    await expect(extractFeatures(counting(), openFolder(pictures), { cache: join(pictures, '0.png') })).rejects.toThrow(
      /^the cache folder .* cannot be made: ENOTDIR.*; choose another cache$/,
    );
  });

  it('says what was not asked for', async () => {
    const table = await extractFeatures(pixelExtractor({ classTokens: 1 }, { patchSize: 8, preprocessing }), openFolder(pictures), { cache });
    expect(() => table.classTokens(2)).toThrow('class tokens of block 2 from the end of a table with 1; ask for classTokens: 2 when extracting');
    expect(() => table.meanPatches()).toThrow('ask for meanPatch: true when extracting');
    await expect(table.patchTokens(0)).rejects.toThrow('ask for the patchTokens of some blocks when extracting');
    await expect(table.attention(0)).rejects.toThrow('ask for attention: true when extracting');
    await table.close();
  });

  it.each([
    [NaN, 'are not finite; check the weights'],
    [1e6, 'has a value of 1000000, which float16 does not hold; pass precision: \'float32\''],
  ])('refuses patch tokens of %d', async (value, message) => {
    const extractor = counting();
    const broken: Extractor = {
      ...extractor,
      extract: async (images) => {
        const tokens = await extractor.extract(images);
        tokens.patchTokens!.data[7] = value;
        return tokens;
      },
    };
    await expect(extractFeatures(broken, openFolder(pictures), { cache })).rejects.toThrow(message);
  });
});
