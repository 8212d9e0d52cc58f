import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { multiCropRecipe, packAugmentParameters, sampleMultiCrop } from '@dinov2/augment';
import { createRandom } from '@dinov2/primitives';
import { describe, expect, it } from 'vitest';
import { decodeImage } from './decode';
import { openFolder } from './folder-source';
import { type Batch, createLoader, type LoaderOptions } from './loader';
import { folderOfJpegs, newFolder, put, wave } from './pictures.testing';
import { resample } from './resample';

const recipe = multiCropRecipe({ globalSize: 28, localSize: 14, localCount: 3 });

async function load(count: number, options: Partial<LoaderOptions> & Pick<LoaderOptions, 'source'>) {
  const batches: Batch[] = [];
  const loader = createLoader({ recipe, batchSize: 4, seed: 3, workers: 1, ...options });
  for (let i = 0; i < count; i++) batches.push((await loader.next()).value!);
  await loader.close();
  return { batches, loader };
}

/** Everything about a batch but how long it took. */
const content = ({ waitMs: _, ...rest }: Batch) => rest;

describe('createLoader', () => {
  it('gives crops as drawn from the seed and the position, crop-major', async () => {
    const source = openFolder(await folderOfJpegs(5));
    const { batches } = await load(2, { source });
    const [, batch] = batches;
    expect(batch.firstSample).toBe(4);
    expect(batch.globalCrops.shape).toEqual([8, 28, 28, 3]);
    expect(batch.localCrops.shape).toEqual([12, 14, 14, 3]);
    expect(batch.globalParameters.shape).toEqual([8, 12]);
    expect(batch.localParameters.shape).toEqual([12, 12]);
    for (let i = 0; i < 4; i++) {
      const image = await decodeImage(source.paths[batch.indices[i]]);
      const drawn = sampleMultiCrop(createRandom(3).fork('multi-crop').fork(4 + i), image, recipe);
      for (const [crops, pixels, parameters, size] of [
        [drawn.global, batch.globalCrops.data, batch.globalParameters.data, 28],
        [drawn.local, batch.localCrops.data, batch.localParameters.data, 14],
      ] as const) {
        crops.forEach(({ crop, flip, ...color }, c) => {
          const row = c * 4 + i;
          const length = size * size * 3;
          const expected = resample(image, [{ crop, flip, width: size, height: size }]);
          expect(pixels.subarray(row * length, (row + 1) * length)).toEqual(Float32Array.from(expected));
          expect(parameters.subarray(row * 12, (row + 1) * 12)).toEqual(packAugmentParameters([color]));
        });
      }
    }
  });

  it('does not depend on workers, prefetch or where it was resumed', async () => {
    const source = openFolder(await folderOfJpegs(7));
    const one = await load(5, { source });
    const three = await load(5, { source, workers: 3, prefetch: 0 });
    expect(three.batches.map(content)).toEqual(one.batches.map(content));
    const resumed = await load(2, { source, startSample: 12 });
    expect(resumed.batches.map(content)).toEqual(one.batches.slice(3).map(content));
  });

  it('passes over the images again and again', async () => {
    const source = openFolder(await folderOfJpegs(6));
    const { batches, loader } = await load(3, { source });
    expect(loader.passSize).toBe(6);
    const indices = batches.flatMap((batch) => [...batch.indices]);
    expect(indices.slice(0, 6).sort()).toEqual([0, 1, 2, 3, 4, 5]);
    expect(indices.slice(6).sort()).toEqual([0, 1, 2, 3, 4, 5]);
  });

  it('replaces files that cannot be used by the next that can, and reports each once', async () => {
    const folder = await folderOfJpegs(6);
    const jpeg = await wave(200, 200).jpeg().toBuffer();
    put(folder, '002.jpg', jpeg.subarray(0, jpeg.length >> 1));
    put(folder, '003.jpg', '');
    put(folder, '005.jpg', 'words');
    const source = openFolder(folder);
    const one = await load(6, { source });
    const broken = one.batches.flatMap(({ skipped }) => skipped);
    expect(broken.map(({ path }) => path.slice(-7)).sort()).toEqual(['002.jpg', '003.jpg', '005.jpg']);
    expect(broken.every(({ reason }) => reason.length > 0)).toBe(true);
    expect(one.loader.skippedFiles).toEqual(broken);

    const replaced = one.batches.flatMap(({ indices }) => [...indices]);
    // Of two passes in a clean folder, 2 and 3 become 4, and 5 becomes 0.
    const clean = await load(6, { source: openFolder(await folderOfJpegs(6)) });
    const planned = clean.batches.flatMap(({ indices }) => [...indices]);
    expect(replaced).toEqual(planned.map((i) => [0, 1, 4, 4, 4, 0][i]));

    const resumed = await load(2, { source, startSample: 16, workers: 2 });
    expect(resumed.batches.map(({ globalCrops }) => globalCrops)).toEqual(
      one.batches.slice(4).map(({ globalCrops }) => globalCrops),
    );
  });

  it('says so when nothing can be read', async () => {
    const folder = newFolder();
    for (const name of ['a.jpg', 'b.png', 'c.gif']) put(folder, name, 'words');
    const loader = createLoader({ source: openFolder(folder), recipe, batchSize: 2, seed: 0, workers: 2 });
    await expect(loader.next()).rejects.toThrow(/none of the 3 images can be read; the first failure was .*: /);
    expect((await loader.next()).done).toBe(true);
  });

  it('takes images of extreme shape', async () => {
    const folder = newFolder();
    put(folder, 'wide.png', await wave(3000, 9).png().toBuffer());
    put(folder, 'high.png', await wave(9, 3000).png().toBuffer());
    const { batches } = await load(3, { source: openFolder(folder) });
    expect(batches.flatMap(({ skipped }) => skipped)).toEqual([]);
  });

  it('runs ahead by the number of batches asked for and no further', async () => {
    const source = openFolder(await folderOfJpegs(3));
    let started = 0;
    const paths = new Proxy(source.paths, {
      get: (target, key) => {
        if (typeof key === 'string' && /^\d+$/.test(key)) started++;
        return Reflect.get(target, key) as unknown;
      },
    });
    const loader = createLoader({ source: { ...source, paths }, recipe, batchSize: 4, seed: 0, workers: 1, prefetch: 2 });
    await loader.next();
    await new Promise((resolve) => setTimeout(resolve, 300)); // time enough for dozens more
    expect(started).toBe(12);
    await loader.close();
  });

  it('ends the iteration when closed while waiting', async () => {
    const source = openFolder(await folderOfJpegs(3));
    const loader = createLoader({ source, batchSize: 4, seed: 0, workers: 1 });
    const waiting = loader.next();
    await loader.close();
    expect((await waiting).done).toBe(true);
  });

  it('works without local crops and refuses counts that make no sense', async () => {
    const source = openFolder(await folderOfJpegs(2));
    const { batches } = await load(1, { source, recipe: { ...recipe, localCount: 0 } });
    expect(batches[0].localCrops).toEqual({ data: new Float32Array(0), shape: [0, 14, 14, 3] });
    expect(() => createLoader({ source, batchSize: 0, seed: 0 })).toThrow(/batchSize 0/);
    expect(() => createLoader({ source, batchSize: 1, seed: 0, workers: 0 })).toThrow(/0 decoding workers/);
  });

  it.each(['index.js', 'index.cjs'])('does not keep a process alive: %s', async (entry) => {
    const folder = await folderOfJpegs(3);
    const url = new URL(`../dist/${entry}`, import.meta.url);
    const script = `
      import(${JSON.stringify(url.href)}).then(async ({ createLoader, openFolder }) => {
        const loader = createLoader({ source: openFolder(${JSON.stringify(folder)}), batchSize: 2, seed: 0, workers: 2 });
        const { value } = await loader.next();
        console.log(value.globalCrops.shape.join());
      });`;
    const { stdout } = await promisify(execFile)(process.execPath, ['-e', script], { timeout: 30_000 });
    expect(stdout.trim()).toBe('4,224,224,3');
  });
});
