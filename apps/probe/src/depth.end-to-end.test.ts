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

/** Pictures of 56 pixels whose left part is dark and 2 m away, the right part bright and 6 m, the border between patches. */
async function halves(part: string, count: number): Promise<void> {
  for (const kind of ['images', 'depths']) mkdirSync(join(data, part, kind), { recursive: true });
  for (let i = 0; i < count; i++) {
    const border = 14 * (1 + (i % 3));
    const pixels = Uint8Array.from({ length: 56 * 56 * 3 }, (_, at) => (Math.floor(at / 3) % 56 < border ? 40 : 200) + ((at * 7919 * (i + 1)) % 17));
    await sharp(pixels, { raw: { width: 56, height: 56, channels: 3 } }).png().toFile(join(data, part, 'images', `${i}.png`));
    const millimetres = Uint16Array.from({ length: 56 * 56 }, (_, at) => (at % 56 < border ? 2000 : 6000));
    await sharp(millimetres, { raw: { width: 56, height: 56, channels: 1 } }).toColourspace('grey16').png().toFile(join(data, part, 'depths', `${i}.png`));
  }
}

beforeAll(async () => {
  weights = await tinyWeights(folder);
  await halves('train', 9);
  await halves('heldout', 3);
});
afterAll(remove);

const common = () => ['depth', '--weights', weights, '--data', data, '--size', '56'];

describe('dinov2-probe depth', () => {
  it('learns what brightness tells, and writes a head, pictures and a report', async () => {
    const { code, output } = await probe(folder, [...common(), '--iterations', '150', '--learning-rate', '0.01', '--out', out]);
    expect(output).toContain('RMSE');
    expect(code).toBe(0);
    const result = readResult(out);
    // The mean of both distances would be wrong by 2 m everywhere; only pixels beside the border are between them.
    expect(result.metrics['RMSE']).toBeLessThan(1);
    expect(result.metrics['δ1']).toBeGreaterThan(0.7);
    expect(result.settings).toMatchObject({ head: 'linear1', minDepth: 0.001, maxDepth: 10 });
    const { tensors } = await readSafetensors(join(out, 'head.safetensors'));
    expect(tensors['decode_head.conv_depth.weight']!.shape.slice(0, 2)).toEqual([256, 64]);
    expect(existsSync(join(out, 'pictures.png'))).toBe(true);
    expect(readFileSync(join(out, 'report.html'), 'utf8').match(/alt="prediction"/g)).toHaveLength(3);
  });

  it.each(['linear4', 'dpt'])('takes four blocks for --head %s', async (head) => {
    const { code, output } = await probe(folder, [...common(), '--head', head, '--iterations', '3', '--out', out]);
    expect(output).toContain('RMSE');
    expect(code).toBe(0);
    const result = readResult(out);
    expect(result.settings).toMatchObject({ head, iterations: 3, blocks: [0, 1, 2, 3] });
    const { tensors } = await readSafetensors(join(out, 'head.safetensors'));
    if (head === 'linear4') expect(tensors['decode_head.conv_depth.weight']!.shape.slice(0, 2)).toEqual([256, 256]);
    else expect(tensors['decode_head.conv_depth.weight']).toBeUndefined();
  });

  it('refuses a depth map that cannot be read, with exit code 2', async () => {
    writeFileSync(join(data, 'train', 'depths', '0.png'), 'no picture');
    expect(await probe(folder, common())).toMatchObject({ code: 2, output: expect.stringMatching(/depths\/0\.png/) });
  });
});
