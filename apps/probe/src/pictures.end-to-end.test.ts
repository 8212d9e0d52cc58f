import { readdirSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { readSafetensors } from '@dinov2/weights';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { colourPictures, colours, probe, temporaryFolder, tinyWeights } from './program.testing';

const { folder, remove } = temporaryFolder();
const data = join(folder, 'colours', 'train');
const out = join(folder, 'out');
let common: string[];

beforeAll(async () => {
  common = ['--weights', await tinyWeights(folder), '--data', data, '--size', '56'];
  await colourPictures(join(folder, 'colours'), { train: 2, heldout: 1 });
});
afterAll(remove);

const size = async (path: string) => {
  const { width, height } = await sharp(path).metadata();
  return [width, height];
};

describe('pictures', () => {
  it('pca: a PNG for each picture and one of all', async () => {
    const { code, output } = await probe(folder, ['pca', ...common, '--out', join(out, 'pca')]);
    expect(output).toContain('6 files NAME-pca.png');
    expect(code).toBe(0);
    expect(readdirSync(join(out, 'pca')).sort()).toEqual(['0-2-pca.png', '0-3-pca.png', '0-pca.png', '1-2-pca.png', '1-3-pca.png', '1-pca.png', 'pca.png']);
    expect(await size(join(out, 'pca', '0-pca.png'))).toEqual([56, 56]);
    expect(await size(join(out, 'pca', 'pca.png'))).toEqual([2 * 56 + 4, 6 * 56 + 5 * 4]);
    // The left column shows the pictures themselves: the first is blue.
    const { data: pixels } = await sharp(join(out, 'pca', 'pca.png')).extract({ left: 20, top: 20, width: 8, height: 8 }).raw().toBuffer({ resolveWithObject: true });
    const mean = [0, 1, 2].map((c) => pixels.filter((_, i) => i % 3 === c).reduce((a, b) => a + b) / 64);
    mean.forEach((value, c) => expect(Math.abs(value - colours.blue[c]! - 11)).toBeLessThan(6)); // noise of 0 … 22
  });

  it('pca: refuses a threshold without a foreground', async () => {
    expect(await probe(folder, ['pca', ...common, '--threshold', '0.5'])).toMatchObject({ code: 2, output: expect.stringContaining('pass --foreground') });
  });

  it('attention: a row for class token and register, a column for picture, mean and each head', async () => {
    const { code } = await probe(folder, ['attention', ...common, '--limit', '1', '--out', join(out, 'attention')]);
    expect(code).toBe(0);
    expect(await size(join(out, 'attention', '0-attention.png'))).toEqual([4 * 56 + 3 * 4, 2 * 56 + 4]);
  });

  it.each([[], ['--patch', '0.5,0.5']])('neighbours: the other picture of a colour is nearest (%s)', async (...patch) => {
    const { code, output } = await probe(folder, ['neighbours', ...common, '--query', join(data, 'red', '0.png'), '--k', '2', ...patch, '--out', join(out, 'neighbours')]);
    expect(output).toContain('neighbours.png');
    expect(code).toBe(0);
    const [found] = JSON.parse(readFileSync(join(out, 'neighbours', 'neighbours.json'), 'utf8'));
    expect(found.neighbours[0].path).toBe(join(data, 'red', '1.png'));
    expect(found.neighbours).toHaveLength(2);
    expect(found.patch).toEqual(patch.length === 0 ? undefined : [2, 2]);
    expect(await size(join(out, 'neighbours', 'neighbours.png'))).toEqual([3 * 56 + 2 * 4, 56]);
  });
});

describe('extract', () => {
  it('writes what numpy reads, equal in both formats', async () => {
    const features = join(out, 'features');
    const outputs = ['--blocks', '2', '--mean-patch', '--patches', '--attention', '--out', features];
    expect((await probe(folder, ['extract', ...common, ...outputs])).code).toBe(0);
    const { code, output } = await probe(folder, ['extract', ...common, ...outputs, '--format', 'npy']);
    expect(code).toBe(0);
    expect(output).toMatch(/class_tokens +\(6, 2, 32\)\nmean_patch +\(6, 32\)\npatch_tokens +\(6, 4, 4, 32\)\nattention +\(6, 2, 2, 4, 4\)/);
    const { tensors } = await readSafetensors(join(features, 'features.safetensors'));
    for (const [name, { data: values, shape }] of Object.entries(tensors)) {
      const file = readFileSync(join(features, `${name}.npy`));
      const header = file.subarray(10, 10 + file.readUInt16LE(8)).toString('latin1');
      expect(file.subarray(0, 8).toString('latin1')).toBe('\x93NUMPY\x01\x00');
      expect(header).toBe(`{'descr': '<f4', 'fortran_order': False, 'shape': (${shape.join(', ')}), }`.padEnd(header.length - 1) + '\n');
      expect((10 + header.length) % 64).toBe(0);
      expect(file.subarray(10 + header.length).equals(Buffer.from(values.buffer, values.byteOffset, values.byteLength))).toBe(true);
    }
    const lines = readFileSync(join(features, 'images.csv'), 'utf8').trim().split('\n');
    expect(lines[0]).toBe('path,label');
    expect(lines.slice(1).map((line) => line.split(',').map((cell) => basename(cell)))).toEqual([
      ['0.png', 'blue'], ['1.png', 'blue'], ['0.png', 'green'], ['1.png', 'green'], ['0.png', 'red'], ['1.png', 'red'],
    ]);
  });
});
