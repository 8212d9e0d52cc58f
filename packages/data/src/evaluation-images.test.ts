import { preprocessings } from '@dinov2/augment';
import { describe, expect, it } from 'vitest';
import { type EvaluationBatch, loadEvaluationImages } from './evaluation-images';
import { openFolder } from './folder-source';
import { newFolder, put, wave } from './pictures.testing';
import { preprocess } from './preprocess';

async function collect(batches: AsyncIterable<EvaluationBatch>): Promise<EvaluationBatch[]> {
  const all: EvaluationBatch[] = [];
  for await (const batch of batches) all.push(batch);
  return all;
}

describe('loadEvaluationImages', () => {
  it('goes once through the images in order, without the broken ones', async () => {
    const folder = newFolder();
    for (let i = 0; i < 5; i++) put(folder, `${i < 2 ? 'a' : 'b'}/${i}.png`, await wave(50, 40, i).png().toBuffer());
    put(folder, 'b/3.png', 'words');
    const source = openFolder(folder);
    const batches = await collect(loadEvaluationImages(source, { resize: 32, crop: 28, batchSize: 3, workers: 2 }));
    expect(batches.map(({ indices }) => [...indices])).toEqual([[0, 1, 2], [4]]);
    expect(batches.map(({ labels }) => [...labels])).toEqual([[0, 0, 1], [1]]);
    expect(batches[1].images.shape).toEqual([1, 28, 28, 3]);
    expect(batches[1].skipped.map(({ path }) => path)).toEqual([source.paths[3]]);

    const preprocessing = { ...preprocessings.dinov2, resize: { shortestEdge: 32 }, crop: { height: 28, width: 28 } };
    expect(batches[1].images).toEqual(await preprocess(source.paths[4], preprocessing));
  });

  it('takes only the box of an image that has one', async () => {
    const folder = newFolder();
    put(folder, 'a.png', await wave(60, 50, 1).png().toBuffer());
    put(folder, 'b.png', await wave(60, 50, 1).extract({ left: 7, top: 5, width: 53, height: 30 }).png().toBuffer());
    put(folder, 'c.png', await wave(60, 50, 1).png().toBuffer());
    const source = openFolder(folder);
    const boxes = [{ left: 7, top: 5, width: 90, height: 30 }, undefined, { left: 60, top: 0, width: 9, height: 9 }];
    const [{ images, skipped }] = await collect(loadEvaluationImages({ ...source, boxes }, { resize: 30, crop: 28, workers: 1 }));
    const size = 28 * 28 * 3;
    expect(images.data.subarray(0, size)).toEqual(images.data.subarray(size));
    expect(skipped).toEqual([{ path: source.paths[2], index: 2, reason: expect.stringMatching(/a box at \(60, 0\) of 9 × 9 is outside/) as string }]);
  });

  it.each(['dinov2-transformers', 'dinov3', 'dinov3-sat-transformers'] as const)('preprocesses for %s', async (name) => {
    const folder = newFolder();
    put(folder, 'a.png', await wave(300, 200, 1).png().toBuffer());
    const source = openFolder(folder);
    const preprocessing = preprocessings[name];
    const [{ images }] = await collect(loadEvaluationImages(source, { preprocessing, workers: 1 }));
    expect(images).toEqual(await preprocess(source.paths[0], preprocessing));
  });

  it('refuses crops that do not fit, pictures of different sizes and folders of broken files', async () => {
    const folder = newFolder();
    put(folder, 'a.jpg', '');
    const source = openFolder(folder);
    await expect(collect(loadEvaluationImages(source, { resize: 200, crop: 224 }))).rejects.toThrow(/a crop of 224 × 224 pixels/);
    const uncropped = { ...preprocessings.dinov2, crop: undefined };
    await expect(collect(loadEvaluationImages(source, { preprocessing: uncropped }))).rejects.toThrow(/pass a crop/);
    await expect(collect(loadEvaluationImages(source))).rejects.toThrow(/none of the 1 images can be read/);
  });
});
