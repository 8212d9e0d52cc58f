import { describe, expect, it } from 'vitest';
import { expectAllclose } from '../../../tests/support/allclose';
import { centerCrop } from './center-crop';
import { decodeImage } from './decode';
import { type EvaluationBatch, loadEvaluationImages } from './evaluation-images';
import { openFolder } from './folder-source';
import { newFolder, put, wave } from './pictures.testing';

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

    const pixels = centerCrop(await decodeImage(source.paths[4]), { resize: 32, crop: 28 });
    const mean = [0.485, 0.456, 0.406];
    const std = [0.229, 0.224, 0.225];
    const expected = Array.from(pixels, (v, i) => (v / 255 - mean[i % 3]) / std[i % 3]);
    expectAllclose(batches[1].images.data, expected, { rtol: 1e-6, atol: 1e-7 }); // one float32 rounding
  });

  it('refuses crops that do not fit and folders of broken files', async () => {
    const folder = newFolder();
    put(folder, 'a.jpg', '');
    const source = openFolder(folder);
    await expect(collect(loadEvaluationImages(source, { resize: 200, crop: 224 }))).rejects.toThrow(/a crop of 224 pixels/);
    await expect(collect(loadEvaluationImages(source))).rejects.toThrow(/none of the 1 images can be read/);
  });
});
