import { createHash } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, unlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { concepts } from './concepts';
import { generateHeap, type HeapSummary } from './generate-heap';
import { readTruth, type Truth } from './truth';

const folder = mkdtempSync(join(tmpdir(), 'dinov2-heap-'));
afterAll(() => rmSync(folder, { recursive: true }));

const heap = join(folder, 'heap');
const options = { count: 400, seed: 3, evaluationTrain: 1, evaluationHeldout: 2 };
let summary: HeapSummary;
let truth: Truth[];

beforeAll(async () => {
  summary = await generateHeap(heap, options);
  truth = await readTruth(heap);
});

const filesOf = (root: string) =>
  readdirSync(root, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map(({ parentPath, name }) => join(parentPath, name).slice(root.length + 1))
    .sort();
const hashOf = (path: string) => createHash('sha256').update(readFileSync(path)).digest('hex');

describe('generateHeap', () => {
  it('says of every file what is there', async () => {
    expect(filesOf(heap)).toEqual([...truth.map(({ path }) => path), 'heap.json', 'truth.csv'].sort());
    for (const row of truth) {
      const path = join(heap, row.path);
      expect(hashOf(path)).toBe(row.sha256);
      expect(statSync(path).size).toBe(row.bytes);
      const decoded = await sharp(path).raw().toBuffer({ resolveWithObject: true }).catch(() => undefined);
      expect([decoded?.info.width ?? 0, decoded?.info.height ?? 0]).toEqual([row.width, row.height]);
    }
  });

  it('has the shares that were asked for, in every source', () => {
    expect(summary.kinds).toEqual({ original: 180, copy: 152, junk: 64, broken: 4 });
    expect(new Set(truth.map(({ source }) => source))).toEqual(new Set(['', 'crawl', 'mirror', 'forum', 'album']));
    for (const { path, source } of truth) expect(path.startsWith(source === '' ? 'evaluation/' : `images/${source}/`)).toBe(true);
  });

  it('groups copies with what they are made of, and nothing else', () => {
    const byPath = new Map(truth.map((row) => [row.path, row]));
    for (const row of truth) {
      const of = byPath.get(row.of);
      expect(of !== undefined).toBe(row.kind === 'copy');
      if (of === undefined) continue;
      expect([row.group, row.concept]).toEqual([of.group, of.concept]);
      expect(row.sha256 === of.sha256).toBe(row.variety === 'exact');
    }
    const firsts = truth.filter(({ kind }) => kind !== 'copy');
    expect(new Set(firsts.map(({ group }) => group)).size).toBe(firsts.length);
    const exact = truth.filter(({ variety }) => variety === 'exact').map(({ group }) => group);
    const largest = Math.max(...exact.map((group) => exact.filter((other) => other === group).length));
    expect(largest).toBeGreaterThanOrEqual(400 / 20);
    expect(truth.some(({ of }) => of.startsWith('evaluation/heldout/'))).toBe(true);
  });

  it('has a long tail of concepts, and an evaluation set without one', () => {
    const counts = Object.values(summary.originals).sort((a, b) => b - a);
    // Σ k^−1.3 over 64 ranks is 2.98: a third of the originals show the first concept, 60 of 180 with a deviation of 6.3.
    expect(counts[0]).toBeGreaterThan(60 - 4 * 6.3);
    expect(counts[0]).toBeLessThan(60 + 4 * 6.3);
    for (const [split, count] of [['train', 1], ['heldout', 2]] as const) {
      const labels = truth.filter(({ path }) => path.startsWith(`evaluation/${split}/`)).map(({ concept }) => concept);
      expect(labels).toHaveLength(64 * count);
      expect(new Set(labels)).toEqual(new Set(concepts.map(({ name }) => name)));
    }
  });

  it('makes what is missing, and the same files for a seed', async () => {
    const before = filesOf(heap).map((path) => [path, hashOf(join(heap, path))]);
    const lost = truth.filter((_, i) => i % 5 === 0);
    for (const { path } of lost) unlinkSync(join(heap, path));
    unlinkSync(join(heap, 'truth.csv'));
    await expect(readTruth(heap)).rejects.toThrow(/no truth\.csv; make or finish/);
    const kept = truth[1]!;
    const { mtimeMs } = statSync(join(heap, kept.path));
    await generateHeap(heap, options);
    expect(filesOf(heap).map((path) => [path, hashOf(join(heap, path))])).toEqual(before);
    expect(statSync(join(heap, kept.path)).mtimeMs).toBe(mtimeMs);
    const other = join(folder, 'other');
    await generateHeap(other, { ...options, count: 100, seed: 4 });
    const hashes = new Set(truth.map(({ sha256 }) => sha256));
    // Empty files are alike whatever the seed.
    expect((await readTruth(other)).filter(({ sha256, bytes }) => bytes > 0 && hashes.has(sha256))).toEqual([]);
  });

  it('refuses what makes no sense, and stops when told to', async () => {
    await expect(generateHeap(join(folder, 'a'), { count: 3 })).rejects.toThrow(/a heap of 3 files; pass a whole number from 100/);
    await expect(generateHeap(join(folder, 'a'), { shares: { copies: 0.9 } })).rejects.toThrow(/at most 0.95/);
    await expect(generateHeap(heap, { ...options, seed: 9 })).rejects.toThrow(/other options/);
    await expect(generateHeap(join(folder, 'a'), { signal: AbortSignal.abort() })).rejects.toThrow(/abort/i);
    writeFileSync(join(folder, 'a', 'truth.csv'), 'x,y\n');
    await expect(readTruth(join(folder, 'a'))).rejects.toThrow(/columns x,y; expected path,/);
  });
});
