import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { openSource } from '@dinov2/data';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { generateHeap } from './heap';
import type { RunResult } from './plan/curate';
import { curateProgram, temporaryFolder } from './program.testing';
import { readTable } from './tables';

const { folder, remove } = temporaryFolder();
const heap = join(folder, 'heap');
beforeAll(() => generateHeap(heap, { count: 120, seed: 3, evaluationTrain: 1, evaluationHeldout: 1 }));
afterAll(remove);

const read = (out: string, file: string) => readFileSync(join(out, file));
const resultOf = (out: string) => JSON.parse(String(read(out, 'result.json'))) as RunResult;

function writePlan(name: string, text: string): string {
  const path = join(folder, `${name}.yaml`);
  writeFileSync(path, text);
  return path;
}

describe('dinov2-curate run', () => {
  it('makes a manifest of a folder by the default plan', async () => {
    const out = join(folder, 'default');
    const { code, output } = await curateProgram('run', join(heap, 'images'), '--weights', 'pixels', '--out', out);
    expect(output).toContain('next      dinov2-pretrain --data');
    expect(code).toBe(0);
    const { sources, steps, manifest } = resultOf(out);
    expect(steps).toEqual(['01-filter', '02-exact', '03-selfDeduplicate', '04-cluster', '05-balance']);
    expect(sources[0]!.found).toBe(sources[0]!.images + sources[0]!.unreadable);
    expect(existsSync(join(out, 'report.html'))).toBe(true);

    const lines = String(read(out, 'manifest.jsonl')).trimEnd().split('\n').map((line) => JSON.parse(line) as { path: string; id: number });
    expect(lines).toHaveLength(manifest.rows);
    expect(lines.map(({ path }) => path)).toEqual((await readTable(join(out, 'manifest.parquet'), ['path'])).columns['path']);
    for (const name of ['manifest.jsonl', 'manifest.parquet']) expect(openSource(join(out, name)).paths).toEqual(lines.map(({ path }) => path));

    const again = await curateProgram('run', join(heap, 'images'), '--weights', 'pixels', '--out', out);
    expect(again.output.match(/\(unchanged\)/g)).toHaveLength(5);
  });
});

describe('a plan with query and held-out sets', () => {
  it('retrieves, drops what resembles what is held out, and counts as the table of the paper', async () => {
    const plan = writePlan('sets', `
out: sets
sources:
  - { name: web, path: heap/images, priority: 1 }
queries:
  - { name: like, path: heap/evaluation/train, asIs: true }
  - { name: clusters, path: heap/evaluation/train/., mode: cluster }
heldOut: [{ name: test, path: heap/evaluation/heldout }]
embed: { weights: pixels }
steps:
  - filter
  - exact
  - selfDeduplicate: { threshold: 0.95 }
  - relativeDeduplicate: { threshold: 0.9, mode: direct }
  - retrieve: { mode: sample, k: 2, collisions: keep, clusters: 4, minQueries: 1, perCluster: 5 }
`);
    const { code, output } = await curateProgram('run', plan);
    expect(output).toContain('like: ');
    expect(code).toBe(0);
    const out = join(folder, 'sets');
    const { queries, sets, manifest } = resultOf(out);
    const [like, clusters] = queries;
    expect(like).toMatchObject({ name: 'like', mode: 'sample', retrieved: 2 * Number(like!['images']), final: 2 * Number(like!['images']), asIs: true });
    expect(clusters).toMatchObject({ name: 'clusters', mode: 'cluster', asIs: false });
    expect(Number(clusters!['final'])).toBeLessThanOrEqual(5 * Number(clusters!['clusters']));
    const { columns } = await readTable(join(out, 'manifest.parquet'), ['source']);
    const counts = (name: string) => (columns['source'] as string[]).filter((source) => source === name).length;
    expect([counts('web'), counts('like'), counts('test')]).toEqual([sets[0]!.final, sets[1]!.images, 0]);
    expect(manifest.rows).toBe(counts('web') + counts('like'));
  });
});

describe('a classifier of one\'s own', () => {
  it('adds columns that rules name', async () => {
    writeFileSync(join(folder, 'wide.mjs'), 'export default ({ images }) => ({ wide: images.map(({ width, height }) => width > height) });\n');
    const plan = writePlan('classified', 'sources: heap/images\nout: classified\nembed: { weights: pixels }\nsteps:\n  - filter: { rules: [{ name: wide, column: wide, max: 0.5 }], classifier: wide.mjs }\n');
    expect((await curateProgram('run', plan)).code).toBe(0);
    const out = join(folder, 'classified');
    const { columns } = await readTable(join(out, 'images.parquet'), ['width', 'height']);
    const decisions = (await readTable(join(out, 'steps', '01-filter', 'decisions.parquet'), ['keep', 'reason'])).columns;
    const [width, height] = [columns['width'] as Uint32Array, columns['height'] as Uint32Array];
    expect(decisions['keep']).toEqual(Array.from(width, (value, i) => value <= height[i]!));
    expect(new Set(decisions['reason'] as string[])).toEqual(new Set(['kept', 'wide']));

    writeFileSync(join(folder, 'wide.mjs'), 'export default ({ images }) => ({ wide: images.map(() => false) });\n');
    expect((await curateProgram('run', plan)).output).not.toContain('(unchanged)');
  });
});
