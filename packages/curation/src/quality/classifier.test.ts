import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { memoryVectors } from '../vectors/memory-vectors';
import { classifyAll, type ClassifierColumns, type Classify, loadClassifier } from './index';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'classifier-'));
});
afterAll(() => rm(folder, { recursive: true }));

const paths = ['a.jpg', 'b.jpg', 'c.jpg', 'd.jpg', 'e.jpg'];
/** A picture whose width tells the row. */
const readImage = async (row: number) => ({ data: new Uint8Array(3 * (row + 1)), width: row + 1, height: 1 });

describe('classifyAll', () => {
  it('asks a function batch by batch and gathers columns', async () => {
    const asked: string[][] = [];
    const progress: number[] = [];
    const classifier = await loadClassifier(({ paths, images }) => {
      asked.push([...paths]);
      return { width: images.map(({ width }) => width), wide: images.map(({ width }) => width > 3) };
    });
    const { columns, failed } = await classifyAll(classifier, { paths, readImage }, { batch: 2, onProgress: (done) => progress.push(done) });
    expect(asked).toEqual([['a.jpg', 'b.jpg'], ['c.jpg', 'd.jpg'], ['e.jpg']]);
    expect(progress).toEqual([2, 4, 5]);
    expect(columns).toEqual({ width: Float32Array.of(1, 2, 3, 4, 5), wide: Float32Array.of(0, 0, 0, 1, 1) });
    expect(failed).toEqual([]);
  });

  it('passes over pictures that cannot be read', async () => {
    const classifier = await loadClassifier(({ images }) => ({ width: images.map(({ width }) => width) }));
    const broken = async (row: number) => (row === 0 || row === 3 || row === 2 ? Promise.reject(new Error(`no row ${row}`)) : readImage(row));
    const { columns, failed } = await classifyAll(classifier, { paths, readImage: broken }, { batch: 2 });
    expect(columns).toEqual({ width: Float32Array.of(NaN, 2, NaN, NaN, 5) });
    expect(failed).toEqual([0, 2, 3].map((row) => ({ row, reason: `no row ${row}` })));
  });

  it('has the columns of earlier pictures where none can be read', async () => {
    const classifier = await loadClassifier(({ images }) => ({ width: images.map(({ width }) => width) }));
    const broken = () => Promise.reject(new Error('gone'));
    expect((await classifyAll(classifier, { paths, readImage: broken })).columns).toEqual({});
    const { columns, failed } = await classifyAll(classifier, { paths, readImage: broken }, { names: ['width'] });
    expect(columns).toEqual({ width: new Float32Array(5).fill(NaN) });
    expect(failed).toHaveLength(5);
    expect((await classifyAll(classifier, { paths, readImage }, { names: ['width'] })).columns).toEqual({ width: Float32Array.of(1, 2, 3, 4, 5) });
    await expect(classifyAll(classifier, { paths, readImage }, { names: ['height'] })).rejects.toThrow('returned the columns width, before height');
  });

  it('passes embeddings to a module that wants them', async () => {
    await writeFile(
      join(folder, 'length.mjs'),
      `export const input = 'embeddings';
       export default ({ count, columns, embeddings }) => ({
         length: Float32Array.from({ length: count }, (_, i) => Math.hypot(...embeddings.subarray(i * columns, (i + 1) * columns))),
       });`,
    );
    const classifier = await loadClassifier('length.mjs', folder);
    const vectors = memoryVectors(Float32Array.of(3, 4, 6, 8, 5, 12, 0, 1, 8, 15), 2);
    expect((await classifyAll(classifier, { paths, vectors }, { batch: 3 })).columns).toEqual({ length: Float32Array.of(5, 10, 13, 1, 17) });
    await expect(classifyAll(classifier, { paths, readImage })).rejects.toThrow('length.mjs judges embeddings; pass vectors with one row for each of 5 paths');
  });

  const run = async (classify: unknown) => classifyAll(await loadClassifier(classify as Classify), { paths, readImage }, { batch: 4 });
  it.each<[string, unknown, string]>([
    ['nothing', () => undefined, 'the classifier classify, rows 0 to 3: returned undefined instead of columns such as'],
    ['an array', () => [1, 2], 'returned an array instead of columns'],
    ['no column', () => ({}), 'instead of columns'],
    ['a number', () => ({ score: 1 }), 'the column score is 1; it must be an array of one number per picture'],
    ['too few numbers', () => ({ score: [1] }), 'the column score has 1 values for 4 pictures'],
    ['texts', () => ({ score: ['a', 'b', 'c', 'd'] }), 'the column score has "a" for a.jpg; it must be a number'],
    ['other columns later', ({ count }: { count: number }): ClassifierColumns => ({ [`of${count}`]: Array(count).fill(0) }), 'rows 4 to 4: returned the columns of1, before of4'],
  ])('says what is wrong when a classifier returns %s', async (_what, body, message) => {
    await expect(run(function classify(batch: never) {
      return (body as (batch: never) => unknown)(batch);
    })).rejects.toThrow(message);
  });

  it('says where a classifier failed, and stops when told', async () => {
    await expect(run(function classify() {
      throw new Error('out of memory');
    })).rejects.toThrow('the classifier classify, rows 0 to 3: out of memory');
    const classifier = await loadClassifier(() => ({ score: [1] }));
    await expect(classifyAll(classifier, { paths, readImage }, { signal: AbortSignal.abort() })).rejects.toThrow('aborted');
    await expect(classifyAll(classifier, { paths })).rejects.toThrow('judges images; pass readImage');
  });
});

describe('loadClassifier', () => {
  it.each([
    ['missing.mjs', undefined, 'cannot import the classifier'],
    ['none.mjs', 'export const x = 1;', 'has no function as default export'],
    ['input.mjs', "export const input = 'text'; export default () => ({});", `exports input = "text"; it must be 'images' or 'embeddings'`],
    ['broken.mjs', 'export default (', 'cannot import the classifier'],
  ])('refuses %s', async (name, text, message) => {
    if (text !== undefined) await writeFile(join(folder, name), text);
    await expect(loadClassifier(name, folder)).rejects.toThrow(message);
  });
});
