import { createHash } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openSplits, readSample } from '@dinov2/data';
import { createRandom } from '@dinov2/primitives';
import { afterAll, describe, expect, it } from 'vitest';
import { sceneClasses } from './classes';
import { composeScene } from './compose';
import { generateScenes } from './generate';
import { renderScene } from './render';

const folder = mkdtempSync(join(tmpdir(), 'dinov2-scenes-'));
afterAll(() => rmSync(folder, { recursive: true }));

/** Hash of every file by its path. */
const filesOf = (out: string) =>
  Object.fromEntries(
    (readdirSync(out, { recursive: true, withFileTypes: true }))
      .filter((entry) => entry.isFile())
      .map(({ parentPath, name }) => join(parentPath, name))
      .map((path) => [path.slice(out.length + 1), createHash('sha256').update(readFileSync(path)).digest('hex')]),
  );

describe('generateScenes', () => {
  it('writes a data set whose masks and depths are those of the rendering', async () => {
    const out = join(folder, 'a');
    const seen: number[] = [];
    await generateScenes({ out, count: 5, size: 48, seed: 3, onProgress: (done, total) => seen.push(done / total) });
    expect(seen.at(-1)).toBe(1);
    const { train, test } = openSplits(out);
    expect([train.paths.length, test.paths.length]).toEqual([5, 2]);
    expect(train.maskClasses).toEqual(sceneClasses);
    const { image, mask, depth } = await readSample(train, 4);
    const truth = renderScene(composeScene(createRandom(3).fork('train').fork(4)), 48);
    expect(mask?.data).toEqual(truth.mask);
    depth?.data.forEach((metres, pixel) => expect(Math.abs(metres - truth.depth[pixel])).toBeLessThan(0.00051)); // half a millimetre, in float32
    const error = image.data.reduce((sum, value, i) => sum + Math.abs(value - truth.image[i]), 0) / image.data.length;
    expect(error).toBeLessThan(4); // JPEG of quality 95
  });

  it('gives the same files again for a seed, others for another, and adds to them for a larger count', async () => {
    const make = async (name: string, count: number, seed: number) => {
      await generateScenes({ out: join(folder, name), count, size: 32, seed });
      return filesOf(join(folder, name));
    };
    const files = await make('b', 4, 1);
    expect(await make('c', 4, 1)).toEqual(files);
    expect(await make('d', 6, 1)).toMatchObject(files);
    const other = await make('e', 4, 2);
    const images = (all: Record<string, string>) => Object.entries(all).filter(([path]) => path.endsWith('.jpg')).map(([, hash]) => hash);
    const every = [...images(files), ...images(other)];
    expect(every).toHaveLength(10);
    expect(new Set(every).size).toBe(10); // so held-out pictures are not training pictures either
  });

  it('refuses counts and sizes that make no sense, and stops when told to', async () => {
    await expect(generateScenes({ out: folder, count: 0 })).rejects.toThrow(/0 pictures; pass a whole number/);
    await expect(generateScenes({ out: folder, size: 5000 })).rejects.toThrow(/pictures of 5000 pixels/);
    await expect(generateScenes({ out: join(folder, 'f'), signal: AbortSignal.abort() })).rejects.toThrow(/abort/i);
  });
});
