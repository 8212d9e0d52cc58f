import { cpSync, mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { colourPictures, probe, temporaryFolder, tinyWeights } from './program.testing';
import { readResult } from './results/files';

const { folder, remove } = temporaryFolder();
let weights: string;
const data = join(folder, 'colours');
const out = join(folder, 'out');

beforeAll(async () => {
  weights = await tinyWeights(folder);
  await colourPictures(data);
});
afterAll(remove);

describe('dinov2-probe knn', () => {
  it('judges weights and baselines, and writes a table, a result and a report', async () => {
    const { code, output } = await probe(folder, ['knn', '--weights', weights, '--data', data, '--k', '5,1', '--few-shot', '2', '--tries', '2', '--baselines', '--out', out]);
    expect(output).toMatch(/tiny\W+100\.0 %/);
    expect(code).toBe(0);
    const result = readResult(out);
    // Colours are far apart and noise is small: everything tells them apart, pixels too.
    const all = { 'top-1, k = 5': 1, 'top-1, k = 1': 1, 'top-1, k = 1, 2 per class': 1, 'top-1, k = 2, 2 per class': 1 };
    expect(result.metrics).toEqual(all);
    expect(result.baselines!['raw pixels']!.metrics).toEqual(all);
    expect(Object.keys(result.baselines!)).toEqual(['random weights', 'raw pixels']);
    expect(result.settings).toMatchObject({ k: [1, 5], temperature: 0.07, fewShot: [2], tries: 2, seed: 0, preprocessing: { crop: { height: 56, width: 56 } } });
    expect(result.data).toMatchObject({ path: data, classes: 3, trainingImages: 18, testImages: 9 });
    expect(readFileSync(join(out, 'per-class.csv'), 'utf8')).toBe('class,images,recall,precision,most often taken for\nblue,3,1,1,\ngreen,3,1,1,\nred,3,1,1,\n');
    expect(readFileSync(join(out, 'report.html'), 'utf8')).toContain('raw pixels');
  });

  it('takes another size, further test sets and several weights, with features from the cache', async () => {
    const second = await tinyWeights(folder, 'second.safetensors', 2);
    const more = join(folder, 'more');
    const words = ['knn', '--weights', weights, '--weights', second, '--data', data, '--test', `again=${join(data, 'heldout')}`, '--k', '3', '--size', '28', '--resize', '32', '--out', more];
    const first = await probe(folder, words);
    expect(first.code).toBe(0);
    expect(first.output).toMatch(/tiny, training images 18\/18 +[\d.]+ images\/s/);
    const again = await probe(folder, words);
    expect(again.output).not.toMatch(/images\/s/);
    expect(readResult(join(more, 'second')).metrics).toEqual({ 'top-1, k = 3': 1, 'again: top-1, k = 3': 1 });
    expect(readResult(join(more, 'tiny')).settings).toMatchObject({ preprocessing: { resize: { shortestEdge: 32 }, crop: { height: 28, width: 28 } } });
  });

  it.each([
    ['data that do not exist', () => ['--data', join(folder, 'nowhere')], /nowhere/],
    ['a class without images', () => ['--data', withEmptyClass()], /1 class folders of .*hold no image: .*yellow/],
    ['a size between patches', () => ['--data', data, '--size', '60'], /--size 60 is no multiple of the patches of 14 pixels .* pass 56 or 70/],
    ['weights that do not exist', () => ['--data', data, '--weights', 'no.pth'], /no weights at no\.pth/],
    ['a k that is no number', () => ['--data', data, '--k', '5,x'], /expected a whole number from 1/],
  ])('refuses %s with exit code 2', async (_, words, message) => {
    const all = words();
    const { code, output } = await probe(folder, ['knn', ...(all.includes('--weights') ? [] : ['--weights', weights]), ...all]);
    expect(output).toMatch(message);
    expect(code).toBe(2);
  });
});

function withEmptyClass(): string {
  const place = join(folder, 'with an empty class');
  const empty = join(place, 'train', 'yellow');
  cpSync(data, place, { recursive: true });
  mkdirSync(empty);
  return place;
}
