import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { colourPictures, probe, temporaryFolder, tinyWeights } from './program.testing';
import { readResult } from './results/files';

const { folder, remove } = temporaryFolder();
const data = join(folder, 'colours');
const out = join(folder, 'out');
let weights: string[];

beforeAll(async () => {
  weights = ['--weights', await tinyWeights(folder)];
  await colourPictures(data, { train: 4, heldout: 2 });
});
afterAll(remove);

describe('dinov2-probe retrieval', () => {
  it('takes classes as relevance: colours are found first', async () => {
    const { code, output } = await probe(folder, ['retrieval', ...weights, '--data', data, '--kappas', '1,4', '--out', out]);
    expect(output).toMatch(/tiny\W+100\.0 %/);
    expect(code).toBe(0);
    expect(readResult(out).metrics).toEqual({ mAP: 1, 'precision at 1': 1, 'precision at 4': 1, GAP: 1 });
    expect(readFileSync(join(out, 'report.html'), 'utf8').match(/class="query"/g)).toHaveLength(6);
  });

  it('judges by a ground truth file with boxes and junk', async () => {
    // The query is the red part of a picture that is green beside it; the whole picture would look like neither.
    const images = join(folder, 'images');
    mkdirSync(images, { recursive: true });
    for (const colour of ['red', 'green', 'blue']) for (const i of [0, 1]) copyFileSync(join(data, 'train', colour, `${i}.png`), join(images, `${colour}${i}.png`));
    const half = (colour: readonly number[]) => sharp({ create: { width: 64, height: 64, channels: 3, background: { r: colour[0]!, g: colour[1]!, b: colour[2]! } } }).png().toBuffer();
    await sharp(await half([51, 181, 71])).resize(128, 64, { fit: 'fill' }).composite([{ input: await half([221, 51, 61]), left: 64, top: 0 }]).png().toFile(join(images, 'query.png'));
    const imlist = ['red0.png', 'red1.png', 'green0.png', 'green1.png', 'blue0.png', 'blue1.png'];
    const file = join(folder, 'gnd.json');
    // Of the reds one is junk; a green one is called hard, and must come after the red and before none of the blues.
    writeFileSync(file, JSON.stringify({ imlist, qimlist: ['query.png'], gnd: [{ bbx: [64, 0, 128, 64], easy: [0], hard: [2], junk: [1] }] }));
    const { code, output } = await probe(folder, ['retrieval', ...weights, '--ground-truth', file, '--data', images, '--kappas', '1', '--out', out]);
    expect(output).toContain('mAP, easy');
    expect(code).toBe(0);
    const { metrics, data: described } = readResult(out);
    // Easy: red0 is first once red1 (junk) and green0 (hard) are out.
    expect(metrics).toMatchObject({ 'mAP, easy': 1, 'precision at 1, easy': 1, 'precision at 1, medium': 1 });
    expect(described).toMatchObject({ queries: 1, gallery: 6, relevance: 'revisited Oxford and Paris' });
  });
});

describe('dinov2-probe copies', () => {
  it('finds a file that is there twice, and measures how features spread', async () => {
    const pictures = join(folder, 'pictures');
    mkdirSync(pictures);
    for (let i = 0; i < 5; i++) {
      const pixels = Uint8Array.from({ length: 64 * 64 * 3 }, (_, at) => 128 + 100 * Math.sin((at % 3) * i + Math.floor(at / (3 * (i + 2))) * 0.3 * (i + 1)));
      await sharp(pixels, { raw: { width: 64, height: 64, channels: 3 } }).png().toFile(join(pictures, `${i}.png`));
    }
    copyFileSync(join(pictures, '2.png'), join(pictures, 'copy.png'));
    const { code, output } = await probe(folder, ['copies', ...weights, '--data', pictures, '--threshold', '0.9999', '--out', out]);
    expect(output).toContain('RankMe');
    expect(code).toBe(0);
    const pairs = JSON.parse(readFileSync(join(out, 'copies.json'), 'utf8'));
    expect([basename(pairs[0].a), basename(pairs[0].b)]).toEqual(['2.png', 'copy.png']);
    expect(pairs[0].similarity).toBeCloseTo(1, 5); // float32 cosine of equal rows
    const { metrics } = readResult(out);
    expect(metrics['near copies']).toBe(pairs.length);
    // Six rows of rank five at most; squared distances of unit vectors are from 0 to 4.
    expect(metrics['RankMe']).toBeGreaterThan(1);
    expect(metrics['RankMe']).toBeLessThanOrEqual(5.01);
    expect(metrics['alignment of views']).toBeGreaterThan(0);
    expect(metrics['alignment of views']).toBeLessThan(4);
    expect(metrics['uniformity']).toBeLessThanOrEqual(0);
  });
});

describe('dinov2-probe match', () => {
  it('matches every patch of a picture with itself', async () => {
    const pictures = join(folder, 'two');
    mkdirSync(pictures);
    const pixels = Uint8Array.from({ length: 64 * 64 * 3 }, (_, at) => (at * 7919) % 256);
    for (const name of ['a', 'b']) await sharp(pixels, { raw: { width: 64, height: 64, channels: 3 } }).png().toFile(join(pictures, `${name}.png`));
    const { code, output } = await probe(folder, ['match', join(pictures, 'a.png'), join(pictures, 'b.png'), ...weights, '--size', '56', '--out', out]);
    expect(output).toContain('16 of 16 mutual matches');
    expect(code).toBe(0);
    const { matches } = JSON.parse(readFileSync(join(out, 'match.json'), 'utf8'));
    for (const { a, b, similarity } of matches) {
      expect(b).toEqual(a);
      expect(similarity).toBeCloseTo(1, 5);
    }
    const { width, height } = await sharp(join(out, 'match.png')).metadata();
    expect([width, height]).toEqual([2 * 56 + 12, 56]);
  });

  it('takes two pictures, no folder', async () => {
    expect(await probe(folder, ['match', data, data, ...weights])).toMatchObject({ code: 2, output: expect.stringContaining('match takes two picture files') });
  });
});
