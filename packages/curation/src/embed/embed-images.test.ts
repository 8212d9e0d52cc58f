import { createHash } from 'node:crypto';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { decodeImage, openSource } from '@dinov2/data';
import { type Extractor, extractFeatures, type ExtractProgress, pixelExtractor } from '@dinov2/features';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { perceptualHash } from '../hashes';
import { qualityColumns } from '../quality';
import { lists, numbers, openTable, readTable, strings } from '../tables';
import { embedImages, type EmbedOptions } from './embed-images';

const folder = mkdtempSync(join(tmpdir(), 'dinov2-embed-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const photos = join(folder, 'photos');
const broken = [3, 8];
const images = 11;
const name = (i: number) => `${i % 2 === 0 ? 'even' : 'odd'}/${String(i).padStart(2, '0')}.png`;

beforeAll(async () => {
  mkdirSync(join(photos, 'even'), { recursive: true });
  mkdirSync(join(photos, 'odd'));
  for (let i = 0; i < images; i++) {
    const [width, height] = [40 + i, 30];
    const pixels = Uint8Array.from({ length: width * height * 3 }, (_, j) => (j * (i + 3) * 31) % 251);
    const png = await sharp(pixels, { raw: { width, height, channels: 3 } }).png().toBuffer();
    writeFileSync(join(photos, name(i)), broken.includes(i) ? (i === 8 ? '' : 'no picture') : png);
  }
});

const preprocessing: Extractor['preprocessing'] = {
  resize: { shortestEdge: 28 },
  crop: { width: 28, height: 28 },
  resample: 'bicubic',
  resizer: 'pillow',
  mean: [0.5, 0.5, 0.5],
  std: [0.25, 0.25, 0.25],
};
const pixels = (outputs: Extractor['outputs'] = { classTokens: 1 }, patchSize = 7) => pixelExtractor(outputs, { patchSize, preprocessing });

let sets = 0;
const newSet = () => join(folder, `set-${sets++}`);

/** Images that an extractor was asked for. */
function counting(extractor: Extractor = pixels(), onImages: (total: number) => void = () => {}) {
  let total = 0;
  return {
    ...extractor,
    get total() {
      return total;
    },
    extract: async (batch: Parameters<Extractor['extract']>[0]) => {
      total += batch.shape[0];
      onImages(total);
      return extractor.extract(batch);
    },
  };
}

const embed = (options: Partial<EmbedOptions> & { out: string }, extractor: Extractor = pixels()) =>
  embedImages(openSource(photos), extractor, { shardRows: 4, batchSize: 2, workers: 1, ...options });

const filesOf = (set: string) => Object.fromEntries(readdirSync(set).sort().map((file) => [file, createHash('sha256').update(readFileSync(join(set, file))).digest('hex')]));

describe('embedImages', () => {
  it('writes what is known of every readable image, and why the others are not', async () => {
    const out = newSet();
    const progress: ExtractProgress[] = [];
    const set = await embed({ out, precision: 'float32', onProgress: (state) => progress.push(state) });
    expect(set).toEqual({ folder: out, found: 11, rows: 9, failed: 2, columns: 147, complete: true, computed: 11 });
    expect(readdirSync(out).sort()).toEqual(['failed.parquet', 'part-00000.parquet', 'part-00001.parquet', 'part-00002.parquet']);
    expect(progress.at(-1)).toMatchObject({ done: 11, total: 11, cached: 0, secondsLeft: 0 });

    const table = await readTable(out);
    const source = openSource(photos);
    const features = await extractFeatures(pixels(), source, { workers: 1 });
    expect([...(table.columns.id as Uint32Array)]).toEqual([...features.indices]);
    expect(strings(table, 'path')).toEqual(features.paths);
    expect(lists(table, 'embedding')).toEqual({ width: 147, values: features.classTokens().data });
    for (const [row, path] of features.paths.entries()) {
      const image = await decodeImage(path);
      const file = readFileSync(path);
      const { width, height, ...quality } = qualityColumns(image);
      const found = Object.fromEntries(Object.entries(table.columns).map(([column, values]) => [column, 'width' in values ? undefined : values[row]]));
      expect(found).toMatchObject({
        offset: null,
        length: null,
        label: path.includes('even') ? 'even' : 'odd',
        width,
        height,
        bytes: file.length,
        sha256: createHash('sha256').update(file).digest('hex'),
        phash: perceptualHash(image),
      });
      for (const [column, value] of Object.entries(quality)) expect(found[column]).toBe(Math.fround(value));
    }
    await features.close();

    const failed = await readTable(join(out, 'failed.parquet'));
    expect(strings(failed, 'path').map((path) => path!.slice(photos.length + 1)).sort()).toEqual(broken.map(name).sort());
    expect(Array.from(numbers(failed, 'id'), (id) => source.paths[id!])).toEqual(strings(failed, 'path'));
    expect(strings(failed, 'reason')).toEqual(['the file is empty', expect.stringContaining('unsupported image format')]);
  });

  it('gives the same files however it is cut off, and computes no whole part again', async () => {
    const whole = newSet();
    await embed({ out: whole });
    const expected = filesOf(whole);
    for (const stopAt of [1, 5, 8]) {
      const out = newSet();
      const stop = new AbortController();
      const first = counting(pixels(), (total) => total >= stopAt && stop.abort(new Error('stopped')));
      await expect(embed({ out, signal: stop.signal }, first)).rejects.toThrow('stopped');
      // What a kill in the middle of a write leaves.
      writeFileSync(join(out, 'part-00002.parquet.partial'), 'half');
      const parts = existsSync(out) ? readdirSync(out).filter((file) => file.endsWith('.parquet')).length : 0;
      const second = counting();
      const { computed } = await embed({ out }, second);
      expect(computed).toBe(images - 4 * parts);
      rmSync(join(out, 'part-00002.parquet.partial'), { force: true });
      expect(filesOf(out)).toEqual(expected);
      const third = counting();
      expect(await embed({ out }, third)).toMatchObject({ computed: 0, rows: 9, failed: 2, complete: true });
      expect(third.total).toBe(0);
    }
  });

  it('shares the parts among machines', async () => {
    const whole = newSet();
    await embed({ out: whole });
    const [a, b] = [newSet(), newSet()];
    expect(await embed({ out: a, shard: { index: 0, of: 2 } })).toMatchObject({ computed: 7, complete: false });
    expect(await embed({ out: b, shard: { index: 1, of: 2 } })).toMatchObject({ computed: 4, complete: false });
    cpSync(b, a, { recursive: true });
    expect(await embed({ out: a })).toMatchObject({ computed: 0, complete: true });
    expect(filesOf(a)).toEqual(filesOf(whole));
  });

  it('computes a damaged part again, and no other', async () => {
    const out = newSet();
    await embed({ out });
    const expected = filesOf(out);
    truncateSync(join(out, 'part-00001.parquet'), 500);
    const again = counting();
    expect(await embed({ out }, again)).toMatchObject({ computed: 4 });
    expect(filesOf(out)).toEqual(expected);
  });

  it('computes the parts of changed images again, and removes parts of images that are gone', async () => {
    const out = newSet();
    const source = openSource(photos);
    const take = (count: number) => ({ ...source, paths: source.paths.slice(0, count), labels: source.labels.slice(0, count) });
    const options = { out, shardRows: 4, workers: 1 };
    await embedImages(source, pixels(), options);
    expect(await embedImages(take(5), pixels(), options)).toMatchObject({ found: 5, computed: 1, complete: true });
    expect(readdirSync(out).filter((file) => file.startsWith('part'))).toEqual(['part-00000.parquet', 'part-00001.parquet']);
  });

  it('is content with a part, or a set, of which nothing can be read', async () => {
    const out = newSet();
    const bad = { paths: broken.map((i) => join(photos, name(i))), labels: Int32Array.of(-1, -1), classes: [] };
    expect(await embedImages(bad, pixels(), { out, workers: 1 })).toMatchObject({ found: 2, rows: 0, failed: 2, complete: true });
    expect((await readTable(out)).rows).toBe(0);
    const table = await openTable(join(out, 'failed.parquet'));
    expect(table.rows).toBe(2);
    await table.close();
  });

  it('takes the mean of the patches where there are no class tokens', async () => {
    const out = newSet();
    await embed({ out, precision: 'float32' }, pixels({ classTokens: 0, meanPatch: true }));
    const table = await extractFeatures(pixels({ classTokens: 0, meanPatch: true }), openSource(photos), { workers: 1 });
    expect(lists(await readTable(out, ['embedding']), 'embedding').values).toEqual(table.meanPatches().data);
    await table.close();
  });

  it('refuses a folder of another network', async () => {
    const out = newSet();
    await embed({ out });
    await expect(embed({ out }, pixels({ classTokens: 1 }, 14))).rejects.toThrow(/holds embeddings by raw pixels that were prepared otherwise than those of raw pixels now; choose another folder or delete this one/);
  });

  it.each([
    [{ shardRows: 0 }, undefined, /0 images per part; pass a whole number from 1/],
    [{ shard: { index: 2, of: 2 } }, undefined, /shard 2 of 2; pass 0 <= index < of/],
    [{}, { classTokens: 0 }, /raw pixels gives neither class tokens nor means of patches/],
  ])('refuses %j with outputs %j', async (options, outputs, message) => {
    await expect(embed({ out: newSet(), ...options }, pixels(outputs))).rejects.toThrow(message);
  });

  it.each([
    [NaN, /the embedding of .* is not finite; check the weights/],
    [1e6, /column "embedding" holds 1000000, and float16 ends at 65504; write float32/],
  ])('refuses a vector with %d in it', async (value, message) => {
    const extractor = pixels();
    const odd: Extractor = {
      ...extractor,
      extract: async (batch) => {
        const tokens = await extractor.extract(batch);
        tokens.classTokens.data[5] = value;
        return tokens;
      },
    };
    const out = newSet();
    await expect(embed({ out }, odd)).rejects.toThrow(message);
    expect(readdirSync(out)).toEqual([]);
  });
});
