import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { readSafetensors } from '@dinov2/weights';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { colourPictures, probe, temporaryFolder, tinyWeights } from './program.testing';
import { readResult } from './results/files';

const { folder, remove } = temporaryFolder();
const data = join(folder, 'colours');
const out = join(folder, 'out');
let weights: string;

beforeAll(async () => {
  weights = await tinyWeights(folder);
  await colourPictures(data);
});
afterAll(remove);

describe('dinov2-probe logistic', () => {
  it('chooses C, tells colours apart and writes the classifier', async () => {
    const { code, output } = await probe(folder, ['logistic', '--weights', weights, '--data', data, '--c', '0.01,1,100', '--validation', '0.3', '--baselines', '--out', out]);
    expect(output).toMatch(/tiny\W+100\.0 %/);
    expect(code).toBe(0);
    const result = readResult(out);
    expect(result.metrics).toEqual({ 'top-1': 1, 'mean per class': 1 });
    expect([0.01, 1, 100]).toContain(result.chosen!['C']);
    expect(result.settings).toMatchObject({ c: [0.01, 1, 100], validation: 0.3, preprocessing: { resize: { shortestEdge: 56 } } });
    expect(result.curves![0]).toMatchObject({ unit: 'log₁₀ C', at: [-2, 0, 2] });
    const { tensors, metadata } = await readSafetensors(join(out, 'head.safetensors'));
    expect(tensors['weight']!.shape).toEqual([3, 32]);
    expect(JSON.parse(metadata['head']!).classes).toEqual(['blue', 'green', 'red']);
    expect(readFileSync(join(out, 'report.html'), 'utf8')).toContain('0 of 9 test pictures');
  });

  it('scores images with several labels, and leaves out those without any', async () => {
    const list = join(data, 'real.jsonl');
    const lines = [{ path: 'heldout/red/0.png', label: ['blue', 'red'] }, { path: 'heldout/green/0.png', label: ['green'] }, { path: 'heldout/blue/0.png', label: ['red'] }, { path: 'heldout/blue/1.png', label: [] }];
    writeFileSync(list, lines.map((line) => JSON.stringify(line)).join('\n'));
    const { code, output } = await probe(folder, ['logistic', '--weights', weights, '--data', data, '--test', `real=${list}`, '--c', '1', '--validation', '0.3', '--out', out]);
    expect(output).toContain('left out 1 of 4 test images');
    expect(code).toBe(0);
    // Of three, the red one is right by its second label, the green one by its only one, and the blue one is not red.
    expect(readResult(out).metrics).toMatchObject({ 'top-1': 1, 'real: ReaL': 2 / 3, 'real: top-1': 1 / 3 });
  });

  it('refuses a share that leaves nothing to train on', async () => {
    expect(await probe(folder, ['logistic', '--weights', weights, '--data', data, '--validation', '1.5'])).toMatchObject({ code: 1, output: expect.stringContaining('validation share of 1.5') });
  });
});
