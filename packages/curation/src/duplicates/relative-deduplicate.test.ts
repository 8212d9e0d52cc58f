import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { hammingJoin } from '../hashes';
import { blocks, bruteComponents, type Edge, graphs } from './graphs.testing';
import { auditHeldOut, edgeBlock, noRow, relativeDeduplicate } from './index';

describe('relativeDeduplicate', () => {
  // Pool row 0 resembles reference 1, row 1 resembles row 0, row 2 resembles row 1 too little; rows 3 and 4 are copies.
  const between = [edgeBlock([0, 0, 3, 2], [0, 1, 0, 0], [0.5, 0.8, 0.46, 0.45])];
  const within = [edgeBlock([0, 1], [1, 2], [0.9, 0.3])];

  it('drops by component or by direct neighbours, and counts both', async () => {
    const component = await relativeDeduplicate({ pool: 5, references: 3, between, within });
    expect([...component.keep]).toEqual([0, 0, 1, 0, 1]);
    expect(component.counts).toEqual({ pool: 5, references: 3, referencesFound: 2, direct: 2, component: 3, largestComponent: 2, dropped: 3 });
    expect([...component.direct]).toEqual([1, 0, 0, 1, 0]);
    expect([...component.reference]).toEqual([1, 1, noRow, 0, noRow]);
    expect([...component.through]).toEqual([0, 0, noRow, 3, noRow]);
    expect([...component.similarity]).toEqual([0.8, 0.8, NaN, 0.46, NaN].map(Math.fround));
    expect([...component.component]).toEqual([0, 0, 2, 3, 4]);

    const direct = await relativeDeduplicate({ pool: 5, references: 3, between, within }, { mode: 'direct' });
    expect([...direct.keep]).toEqual([0, 1, 1, 0, 1]);
    expect(direct.counts).toEqual({ ...component.counts, dropped: 2 });
    expect([...direct.reference]).toEqual([1, noRow, noRow, 0, noRow]);
  });

  it('lets copies go together in both modes', async () => {
    const copies = Uint32Array.of(0, 1, 2, 3, 3);
    const { keep, reference, through } = await relativeDeduplicate({ pool: 5, references: 3, between }, { mode: 'direct', copies });
    expect([...keep]).toEqual([0, 1, 1, 0, 0]);
    expect([reference[4], through[4]]).toEqual([0, 3]);
  });

  it('is the graph of pool and references of the paper, in any order of edges', async () => {
    await fc.assert(
      fc.asyncProperty(graphs(16), fc.integer({ min: 0, max: 16 }), async ({ rows, edges }, share) => {
        const pool = Math.min(rows, share);
        const strong = edges.filter(({ similarity }) => similarity > 0.5);
        const inPool = ({ from, to }: Edge) => from < pool && to < pool;
        const across = edges
          .filter(({ from, to }) => from < pool !== to < pool)
          .map(({ from, to, similarity }) => ({ from: Math.min(from, to), to: Math.max(from, to) - pool, similarity }));
        // References among themselves are joined here, and not there.
        const labels = bruteComponents(rows, strong);
        const held = new Set(labels.slice(pool));
        const expected = labels.slice(0, pool).map((label) => (held.has(label) ? 0 : 1));
        const graph = (turn: (some: Edge[]) => Edge[]) => ({
          pool,
          references: rows - pool,
          between: blocks(turn(across), 2),
          within: blocks(turn(edges.filter(inPool)), 3),
        });
        const result = await relativeDeduplicate(graph((some) => some), { threshold: 0.5 });
        expect([...result.keep]).toEqual(expected);
        expect(result.counts.dropped).toBe(expected.filter((stays) => stays === 0).length);
        const directRows = new Set(across.filter(({ similarity }) => similarity > 0.5).map(({ from }) => from));
        expect(result.counts.direct).toBe(directRows.size);
        expect(await relativeDeduplicate(graph((some) => some.toReversed()), { threshold: 0.5 })).toEqual(result);
      }),
    );
  });

  it('says what is missing', async () => {
    await expect(relativeDeduplicate({ pool: 5, references: 3, between })).rejects.toThrow('the mode component needs edges within the pool');
    await expect(relativeDeduplicate({ pool: 5, references: 1, between, within })).rejects.toThrow('an edge ends at row 1, but there are 1 references');
  });
});

describe('auditHeldOut', () => {
  it('lists for each held-out picture its nearest ones of the pool', async () => {
    const edges = edgeBlock([2, 0, 2, 2, 0, 2, 1], [5, 1, 6, 7, 3, 5, 0], [0.5, 0.6, 0.9, 0.5, 0.6, 0.7, 0.45]);
    expect(await auditHeldOut(3, 8, [edges], { nearest: 2 })).toEqual({
      findings: [
        { heldOut: 2, matches: [{ row: 6, similarity: Math.fround(0.9) }, { row: 5, similarity: Math.fround(0.7) }] },
        { heldOut: 0, matches: [{ row: 1, similarity: Math.fround(0.6) }, { row: 3, similarity: Math.fround(0.6) }] },
      ],
      counts: { heldOut: 3, pool: 8, found: 2, poolRows: 5 },
    });
  });

  it('takes perceptual hashes, with 1 − distance / 64 for a similarity', async () => {
    const [heldOut, pool] = [BigUint64Array.of(0n, 0xffffn), BigUint64Array.of(0xffff_ffffn, 0b111n, 0xfff7n)];
    const { findings } = await auditHeldOut(2, 3, hammingJoin(heldOut, pool, 4), { threshold: 1 - 5 / 64 });
    expect(findings).toEqual([
      { heldOut: 1, matches: [{ row: 2, similarity: 1 - 1 / 64 }] },
      { heldOut: 0, matches: [{ row: 1, similarity: 1 - 3 / 64 }] },
    ]);
  });

  it('is a sort of all edges over the threshold, in any order', async () => {
    await fc.assert(
      fc.asyncProperty(graphs(10), fc.integer({ min: 1, max: 4 }), async ({ rows, edges }, nearest) => {
        const { findings, counts } = await auditHeldOut(rows, rows, blocks(edges, 3), { nearest, threshold: 0.5 });
        const strong = edges.filter(({ similarity }) => similarity > 0.5);
        expect(counts.found).toBe(new Set(strong.map(({ from }) => from)).size);
        expect(counts.poolRows).toBe(new Set(strong.map(({ to }) => to)).size);
        for (const { heldOut, matches } of findings) {
          const best = new Map<number, number>();
          for (const { from, to, similarity } of strong) {
            if (from === heldOut) best.set(to, Math.max(similarity, best.get(to) ?? 0));
          }
          const sorted = [...best].map(([row, similarity]) => ({ row, similarity }));
          expect(matches).toEqual(sorted.sort((a, b) => b.similarity - a.similarity || a.row - b.row).slice(0, nearest));
        }
        expect((await auditHeldOut(rows, rows, blocks(edges.toReversed(), 3), { nearest, threshold: 0.5 })).findings).toEqual(findings);
      }),
    );
  });
});
