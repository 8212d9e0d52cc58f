import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { CurationError } from '../error';
import { blocks, bruteComponents, graphs } from './graphs.testing';
import { chainEdges, connectedComponents, DisjointSet, edgeBlock, mergeComponents, renameRows } from './index';

interface Golden {
  rows: number;
  from: number[];
  to: number[];
  similarity: number[];
  components: Record<string, number[]>;
}
const goldens = JSON.parse(readFileSync(new URL('components.golden.json', import.meta.url), 'utf8')) as Golden[];

describe('connectedComponents', () => {
  it.each(goldens)('are those of SciPy and NetworkX: $rows rows', async ({ rows, from, to, similarity, components }) => {
    for (const [threshold, expected] of Object.entries(components)) {
      const found = await connectedComponents(rows, [edgeBlock(from, to, similarity)], { threshold: Number(threshold) });
      expect([...found]).toEqual(expected);
    }
  });

  it('are those of brute force, in any order, direction and size of blocks, and merged from shards', async () => {
    await fc.assert(
      fc.asyncProperty(graphs(), fc.integer({ min: 1, max: 9 }), fc.infiniteStream(fc.nat()), async ({ rows, edges }, size, keys) => {
        const expected = bruteComponents(rows, edges);
        const shuffled = edges
          .map((edge) => ({ edge, key: keys.next().value! }))
          .sort((a, b) => a.key - b.key)
          .map(({ edge, key }) => (key % 2 ? edge : { ...edge, from: edge.to, to: edge.from }));
        expect([...(await connectedComponents(rows, blocks(shuffled, size)))]).toEqual(expected);

        const shards = [shuffled.slice(0, size), shuffled.slice(size)].map((shard) => blocks(shard));
        const parts = await Promise.all(shards.map((shard) => connectedComponents(rows, shard)));
        expect([...mergeComponents(...parts)]).toEqual(expected);
        expect([...mergeComponents(...parts.toReversed())]).toEqual(expected);
        expect([...(await connectedComponents(rows, chainEdges(...shards)))]).toEqual(expected);
      }),
    );
  });

  it('names an edge that ends nowhere', async () => {
    await expect(connectedComponents(3, [edgeBlock([0], [3], [1])])).rejects.toThrow(
      new CurationError('an edge ends at row 3, but there are 3 rows; pass the number of rows that the neighbours were searched in'),
    );
  });
});

describe('DisjointSet', () => {
  it('finds the lowest row and says whether a union changed anything', () => {
    const sets = new DisjointSet(5);
    expect([sets.union(4, 2), sets.union(2, 3), sets.union(3, 4), sets.find(3), sets.find(0)]).toEqual([true, true, false, 2, 0]);
    expect([...sets.labels()]).toEqual([0, 1, 2, 2, 2]);
  });

  it('refuses an impossible size', () => {
    expect(() => new DisjointSet(2.5)).toThrow('a disjoint set of 2.5 rows cannot be made');
  });
});

describe('mergeComponents', () => {
  it('refuses parts of different sets', () => {
    expect(() => mergeComponents(new Uint32Array(3), new Uint32Array(4))).toThrow('components of 3 and of 4 rows');
    expect(() => mergeComponents()).toThrow('no components to merge');
  });
});

describe('renameRows', () => {
  it('turns rows of a subset into rows of the set', async () => {
    const renamed = renameRows([edgeBlock([0, 2], [1, 0], [0.5, 1])], Uint32Array.of(7, 3, 9));
    expect((await renamed.next()).value).toEqual(edgeBlock([7, 9], [3, 7], [0.5, 1]));
    await expect(renameRows([edgeBlock([0], [3], [1])], new Uint32Array(3)).next()).rejects.toThrow('an edge ends at row 3');
  });
});
