import { mkdtempSync, readdirSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { CurationError } from '../error';
import { readEdges, writeEdges } from './edge-file';
import { edgeRecall } from './edge-recall';
import { EdgeStore } from './edge-store';
import { type EdgeBlock, EdgeList } from './edges';

let folder: string;
beforeAll(() => void (folder = mkdtempSync(join(tmpdir(), 'edges-'))));
afterAll(() => rmSync(folder, { recursive: true }));

type Edge = readonly [from: number, to: number, similarity: number];

function block(edges: readonly Edge[]): EdgeBlock {
  const list = new EdgeList();
  for (const edge of edges) list.push(...edge);
  return list.take();
}

async function all(blocks: AsyncIterable<EdgeBlock>): Promise<Edge[]> {
  const edges: Edge[] = [];
  for await (const { count, from, to, similarity } of blocks) for (let i = 0; i < count; i++) edges.push([from[i]!, to[i]!, similarity[i]!]);
  return edges;
}

const anyBlocks = fc.array(fc.array(fc.tuple(fc.nat(2 ** 32 - 1), fc.nat(2 ** 32 - 1), fc.float({ min: -1, max: 1, noNaN: true })), { maxLength: 30 }), { maxLength: 8 });

async function* blocksOf(edges: readonly (readonly Edge[])[]): AsyncGenerator<EdgeBlock> {
  for (const part of edges) yield block(part);
}

describe('edges', () => {
  it('come back from a file and from a store, in memory or beyond it', async () => {
    await fc.assert(
      fc.asyncProperty(anyBlocks, fc.nat(60), async (blocks, limit) => {
        const path = join(folder, 'edges');
        await writeEdges(path, blocksOf(blocks));
        expect(await all(readEdges(path))).toEqual(blocks.flat());
        expect(await all(readEdges(path, path))).toEqual([...blocks.flat(), ...blocks.flat()]);
        const store = new EdgeStore(async () => join(folder, 'store'), limit);
        for (const part of blocks) await store.append(block(part));
        await store.finish();
        expect(store.count).toBe(blocks.flat().length);
        for (let time = 0; time < 2; time++) expect(await all(store.edges())).toEqual(blocks.flat());
        await store.close();
        expect(readdirSync(folder)).toEqual(['edges']);
      }),
      { numRuns: 25 },
    );
  });

  it.each([
    ['cut in a block', 24 + 4 + 12 + 3, /should hold 3 edges and holds 1/],
    ['cut between blocks', 24 + 4 + 12, /should hold 3 edges and holds 1/],
    ['cut in its header', 10, /not a file of edges/],
  ])('of a file that was %s are refused', async (_, size, message) => {
    const path = join(folder, 'cut');
    await writeEdges(path, blocksOf([[[1, 2, 0.5]], [[3, 4, 0.25], [5, 6, 1]]]));
    truncateSync(path, size);
    await expect(all(readEdges(path))).rejects.toThrow(message);
    await expect(all(readEdges(path))).rejects.toBeInstanceOf(CurationError);
    rmSync(path);
  });

  it('of other files are refused', async () => {
    const path = join(folder, 'other');
    writeFileSync(path, 'no edges at all, but long enough for a header');
    await expect(all(readEdges(path))).rejects.toThrow(/other is not a file of edges/);
    await expect(all(readEdges(join(folder, 'missing')))).rejects.toThrow(/missing cannot be opened/);
    rmSync(path);
  });
});

describe('recall of edges', () => {
  const truth = block([[3, 1, 0.9], [3, 2, 0.8], [3, 7, 0.75], [8, 1, 0.7]]);

  it.each([
    [new Map([[3, [0.9, 0.8, 0.75]], [8, [0.7]]]), 1],
    [new Map([[3, [0.9, 0.75]], [8, [0.7]]]), 3 / 4],
    [new Map([[3, []], [8, [0.7]]]), 1 / 4],
    [new Map<number, number[]>(), 0],
    // What is less similar than the last of the truth is no edge of it.
    [new Map([[3, [0.9, 0.8, 0.74]], [8, [0.69]]]), 2 / 4],
    // Another row as similar as the last is as good, but more of them are no better.
    [new Map([[3, [0.9, 0.8, 0.75, 0.75, 0.75]], [8, []]]), 3 / 4],
  ])('is the share of a sample that was found: %o', (found, expected) => {
    expect(edgeRecall(truth, found)).toEqual({ edgeRecall: expected, sampledEdges: 4 });
  });

  it('is whole where there are none', () => {
    expect(edgeRecall(block([]), new Map())).toEqual({ edgeRecall: 1, sampledEdges: 0 });
  });
});
