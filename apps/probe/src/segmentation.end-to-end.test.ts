import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { readSafetensors } from '@dinov2/weights';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { probe, temporaryFolder, tinyWeights } from './program.testing';
import { readResult } from './results/files';

const { folder, remove } = temporaryFolder();
const data = join(folder, 'halves');
const out = join(folder, 'out');
let weights: string;

/** Pictures of 56 pixels whose left part is dark and right part bright, the border between patches; the mask says which. */
async function halves(part: string, count: number, maskSide = 56): Promise<void> {
  for (const kind of ['images', 'masks']) mkdirSync(join(data, part, kind), { recursive: true });
  for (let i = 0; i < count; i++) {
    const border = 14 * (1 + (i % 3));
    const pixels = Uint8Array.from({ length: 56 * 56 * 3 }, (_, at) => (Math.floor(at / 3) % 56 < border ? 40 : 200) + ((at * 7919 * (i + 1)) % 17));
    await sharp(pixels, { raw: { width: 56, height: 56, channels: 3 } }).png().toFile(join(data, part, 'images', `${i}.png`));
    const labels = Uint8Array.from({ length: maskSide ** 2 }, (_, at) => (at % maskSide < border ? 0 : 1));
    await sharp(labels, { raw: { width: maskSide, height: maskSide, channels: 1 } }).toColourspace('b-w').png().toFile(join(data, part, 'masks', `${i}.png`));
  }
  writeFileSync(join(data, 'classes.json'), '["dark", "bright"]');
}

beforeAll(async () => {
  weights = await tinyWeights(folder);
  await halves('train', 9);
  await halves('heldout', 3);
});
afterAll(remove);

const common = () => ['segmentation', '--weights', weights, '--data', data, '--size', '56', '--iterations', '60', '--learning-rate', '0.01'];

describe('dinov2-probe segmentation', () => {
  it('learns what is told apart by brightness, and writes a head, pictures and a report', async () => {
    const { code, output } = await probe(folder, [...common(), '--out', out]);
    expect(output).toContain('mIoU');
    expect(code).toBe(0);
    const result = readResult(out);
    // Borders lie between patches, so only the bilinear enlargement of logits costs pixels beside them.
    expect(result.metrics['mIoU']).toBeGreaterThan(0.85);
    expect(result.details!.rows.map(({ name }) => name)).toEqual(['dark', 'bright']);
    expect(result.curves![0]!.at.at(-1)).toBe(60);
    expect(result.settings).toMatchObject({ iterations: 60, blocks: [3], augment: false });
    const { tensors } = await readSafetensors(join(out, 'head.safetensors'));
    expect(tensors['decode_head.conv_seg.weight']!.shape).toEqual([2, 32, 1, 1]);
    expect(existsSync(join(out, 'pictures.png'))).toBe(true);
    expect(readFileSync(join(out, 'report.html'), 'utf8').match(/alt="prediction"/g)).toHaveLength(3);
  });

  it('takes four blocks and several sizes with --multiscale', async () => {
    const { code, output } = await probe(folder, [...common(), '--iterations', '5', '--multiscale', '--out', out]);
    expect(output).toContain('mIoU');
    expect(code).toBe(0);
    expect(readResult(out).settings).toMatchObject({ multiscale: true, blocks: [0, 1, 2, 3], recipe: { test: { scales: [1, 1.32, 1.73, 2.28, 3], flip: true } } });
  });

  it('refuses a mask of another size than its picture, and pictures without masks', async () => {
    await halves('train', 1, 28);
    expect(await probe(folder, common())).toMatchObject({ code: 2, output: expect.stringMatching(/masks\/0\.png.*28 × 28.*56 × 56/) });
    expect(await probe(folder, [...common(), '--data', join(data, 'train', 'images'), '--test', join(data, 'heldout')])).toMatchObject({ code: 2, output: expect.stringMatching(/9 of 9 train pictures .* have no mask/) });
  });
});
