import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { readSafetensors } from '@dinov2/weights';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { colourPictures, probe, temporaryFolder, tinyWeights } from './program.testing';
import { readResult } from './results/files';

const { folder, remove } = temporaryFolder();
const data = join(folder, 'colours');
const out = join(folder, 'out');
let common: string[];

beforeAll(async () => {
  common = ['linear', '--weights', await tinyWeights(folder), '--data', data, '--batch-size', '8', '--out', out];
  await colourPictures(data);
});
afterAll(remove);

describe('dinov2-probe linear', () => {
  it('trains the grid, selects a head and judges further test sets with it', async () => {
    const { code, output } = await probe(folder, [...common, '--iterations', '300', '--learning-rates', '0.0001,0.1,0.5', '--test', `again=${join(data, 'train')}`]);
    expect(output).toMatch(/tiny\W+100\.0 %/);
    expect(code).toBe(0);
    const result = readResult(out);
    expect(result.metrics).toEqual({ 'top-1': 1, 'mean per class': 1, 'again: top-1': 1, 'again: mean per class': 1 });
    const { blocks, avgpool, learningRate } = result.chosen as { blocks: number; avgpool: boolean; learningRate: number };
    expect([0.0001, 0.1, 0.5]).toContain(learningRate);
    const { tensors } = await readSafetensors(join(out, 'head.safetensors'));
    expect(tensors['weight']!.shape).toEqual([3, (blocks + Number(avgpool)) * 32]);
    // 2 numbers of blocks × 2 × 3 learning rates, named as the reference names them.
    const heads = readFileSync(join(out, 'heads.csv'), 'utf8').trim().split('\n');
    expect(heads).toHaveLength(13);
    expect(heads[1]).toMatch(/^classifier_1_blocks_avgpool_False_lr_0_00000/);
    expect(result.curves!.map(({ title }) => title)).toEqual(['top-1 by learning rate', 'loss']);
  });

  it('draws new crops in every iteration with --augment', async () => {
    const { code, output } = await probe(folder, [...common, '--augment', '--iterations', '40', '--blocks', '1', '--avgpool', 'no', '--learning-rates', '0.5', '--size', '28']);
    expect(output).toMatch(/head 40\/40/);
    expect(code).toBe(0);
    // Crops of one colour are of that colour.
    expect(readResult(out).metrics['top-1']).toBe(1);
  });
});
