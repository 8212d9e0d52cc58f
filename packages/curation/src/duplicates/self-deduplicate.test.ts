import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { memoryVectors } from '../vectors/memory-vectors';
import { blocks, bruteComponents, graphs } from './graphs.testing';
import { edgeBlock, equalGroups, type KeepPolicy, maximumSpanningForest, renameRows, selfDeduplicate } from './index';

/** Unit vectors of the plane at these angles, in degrees. */
const plane = (...degrees: number[]) =>
  memoryVectors(Float32Array.from(degrees.flatMap((d) => [Math.cos((d * Math.PI) / 180), Math.sin((d * Math.PI) / 180)])), 2);

const cosine = (degrees: number) => Math.cos((degrees * Math.PI) / 180);

describe('selfDeduplicate', () => {
  // Two components, {0, 1, 2} and {4, 5}; row 3 is alone.
  const edges = () => [edgeBlock([0, 2, 5], [1, 1, 4], [0.9, 0.8, 0.7])];

  it('keeps one row of each component and says of what each other is a copy', async () => {
    const result = await selfDeduplicate(6, edges());
    expect([...result.component]).toEqual([0, 0, 0, 3, 4, 4]);
    expect([...result.representative]).toEqual([0, 0, 0, 3, 4, 4]);
    expect([...result.keep]).toEqual([1, 0, 0, 1, 1, 0]);
    expect([...result.linkage]).toEqual([1, 0.9, 0.8, 1, 1, 0.7].map(Math.fround));
    expect([...result.similarity]).toEqual([1, NaN, NaN, 1, 1, NaN]);
    expect(result.counts).toEqual({ rows: 6, edges: 3, components: 2, participants: 5, removable: 3, dropped: 3, kept: 3 });
    expect(result.sizes).toEqual([
      { size: 2, components: 1 },
      { size: 3, components: 1 },
    ]);
    expect(result.largest).toEqual([
      { component: 0, representative: 0, size: 3, weakestLink: { from: 1, to: 2, similarity: Math.fround(0.8) } },
      { component: 4, representative: 4, size: 2, weakestLink: { from: 4, to: 5, similarity: Math.fround(0.7) } },
    ]);
    expect((await selfDeduplicate(6, edges(), { describe: 1 })).largest.map(({ component }) => component)).toEqual([0]);
  });

  const facts = {
    area: [100, 400, 400, 1, 1, 2],
    source: [2, 1, 1, 0, 0, 0],
    quality: [0.5, NaN, 0.4, 0.1, NaN, NaN],
    // Row 1 lies between rows 0 and 2.
    vectors: plane(0, 20, 50, 180, 250, 250),
  };
  it.each<[KeepPolicy | KeepPolicy[], number[]]>([
    ['lowestId', [0, 4]],
    ['largestArea', [1, 5]],
    ['sourcePriority', [1, 4]],
    ['highestQuality', [0, 4]],
    ['medoid', [1, 4]],
    [['sourcePriority', 'highestQuality'], [2, 4]],
    [['largestArea', 'highestQuality', 'lowestId'], [2, 5]],
  ])('keeps by %s', async (keep, expected) => {
    const { representative } = await selfDeduplicate(6, edges(), { ...facts, keep });
    expect([representative[0], representative[4]]).toEqual(expected);
  });

  it('drops no protected row and prefers it', async () => {
    const protect = Uint8Array.of(0, 1, 1, 0, 0, 1);
    const { keep, representative, counts } = await selfDeduplicate(6, edges(), { protect });
    expect([...keep]).toEqual([0, 1, 1, 1, 0, 1]);
    expect([...representative]).toEqual([1, 1, 1, 3, 5, 5]);
    expect(counts).toMatchObject({ removable: 3, dropped: 2, kept: 4 });
  });

  it('shows a chain: A like B and B like C, but A unlike C', async () => {
    const chain = edgeBlock([0, 1], [1, 2], [cosine(50), cosine(45)]);
    const { largest, similarity, counts, raised } = await selfDeduplicate(3, [chain], { vectors: plane(0, 50, 95) });
    expect(counts).toMatchObject({ participants: 3, removable: 2 });
    expect(largest[0]!.weakestPair).toMatchObject({ from: 0, to: 2 });
    // Coordinates and products are rounded to float32.
    expect(largest[0]!.weakestPair!.similarity).toBeCloseTo(cosine(95), 6);
    expect([...similarity].map((value) => value.toFixed(5))).toEqual([1, cosine(50), cosine(95)].map((value) => value.toFixed(5)));
    expect(raised).toEqual([]);

    const guarded = await selfDeduplicate(3, [chain], { maximumSize: 2 });
    expect([...guarded.component]).toEqual([0, 1, 1]);
    expect(guarded.raised).toMatchObject([{ component: 0, size: 3, parts: 2 }]);
  });

  it('joins groups known already', async () => {
    const { component, counts } = await selfDeduplicate(6, edges(), { copies: Uint32Array.of(0, 1, 2, 3, 4, 3) });
    expect([...component]).toEqual([0, 0, 0, 3, 3, 3]);
    expect(counts).toMatchObject({ edges: 3, participants: 6, removable: 4 });
  });

  it('holds together what more copies than neighbours would tear apart, when they are collapsed first', async () => {
    // 100 equal pictures and two variants of them. Lists of 32 neighbours are full of equal pictures, and of which ones is
    // chance: here each copy lists copies of its own half.
    const rows = 102;
    const lists = Array.from({ length: 100 * 32 }, (_, i) => {
      const [row, place] = [Math.floor(i / 32), i % 32];
      return { row, to: 50 * Math.floor(row / 50) + ((row + 1 + place) % 50) };
    });
    const torn = edgeBlock(lists.map(({ row }) => row), lists.map(({ to }) => to), lists.map(() => 1));
    expect((await selfDeduplicate(rows, [torn])).counts).toMatchObject({ components: 2, participants: 100, removable: 98 });

    const hashes = Array.from({ length: rows }, (_, row) => (row < 100 ? 'same' : `variant ${row}`));
    const copies = equalGroups(hashes);
    const distinct = copies.filter((label, row) => label === row);
    expect([...distinct]).toEqual([0, 100, 101]);
    const between = edgeBlock([0, 0], [1, 2], [cosine(30), cosine(40)]);
    const { counts } = await selfDeduplicate(rows, renameRows([between], distinct), { copies });
    expect(counts).toMatchObject({ components: 1, participants: 102, removable: 101 });
  });

  it('has consistent counts and any order of edges, a forest among them', async () => {
    await fc.assert(
      fc.asyncProperty(graphs(), fc.array(fc.constantFrom(0, 1), { minLength: 24, maxLength: 24 }), async ({ rows, edges }, bits) => {
        const options = { threshold: 0.375, protect: Uint8Array.from(bits.slice(0, rows)), area: bits.slice(0, rows), keep: 'largestArea' as const };
        const result = await selfDeduplicate(rows, blocks(edges, 4), options);
        const component = bruteComponents(rows, edges.filter(({ similarity }) => similarity > 0.375));
        expect([...result.component]).toEqual(component);
        const sizes = component.map((label) => component.filter((other) => other === label).length);
        const { counts } = result;
        expect(counts.participants).toBe(sizes.filter((size) => size > 1).length);
        expect(counts.removable).toBe(rows - new Set(component).size);
        expect(counts.removable).toBe(counts.participants - counts.components);
        expect(counts.kept + counts.dropped).toBe(rows);
        expect(counts.components).toBe(result.sizes.reduce((sum, { components }) => sum + components, 0));
        expect(counts.participants).toBe(result.sizes.reduce((sum, { size, components }) => sum + size * components, 0));
        for (let row = 0; row < rows; row++) {
          const stays = result.representative[row]!;
          expect(result.component[stays]).toBe(result.component[row]);
          expect(result.keep[stays]).toBe(1);
          expect(result.keep[row]).toBe(row === stays || bits[row] ? 1 : 0);
          // Both are in one component at every threshold below the linkage, and in two at it.
          const together = (threshold: number) => {
            const labels = bruteComponents(rows, edges.filter(({ similarity }) => similarity > threshold));
            return labels[row] === labels[stays];
          };
          if (row !== stays) expect([together(result.linkage[row]! - 0.01), together(result.linkage[row]!)]).toEqual([true, false]);
        }
        const forest = await maximumSpanningForest(rows, blocks(edges.toReversed()));
        const again = await selfDeduplicate(rows, forest, options);
        expect([again.component, again.keep, again.linkage]).toEqual([result.component, result.keep, result.linkage]);
      }),
      { numRuns: 50 },
    );
  });

  it('finds the medoid of components by comparing all pairs', async () => {
    const degrees = fc.array(fc.integer({ min: 0, max: 359 }), { minLength: 2, maxLength: 12 });
    await fc.assert(
      fc.asyncProperty(degrees, async (angles) => {
        const star = edgeBlock(angles.slice(1).map(() => 0), angles.slice(1).map((_, i) => i + 1), angles.slice(1).map(() => 0.7));
        const { representative } = await selfDeduplicate(angles.length, [star], { keep: 'medoid', vectors: plane(...angles) });
        const sum = (row: number) => angles.reduce((total, angle) => total + cosine(angles[row]! - angle), 0);
        // Means are compared to six decimals, so that copies tie.
        expect(sum(representative[0]!)).toBeGreaterThan(Math.max(...angles.map((_, row) => sum(row))) - 1e-4);
      }),
    );
  });

  it('says what does not fit', async () => {
    await expect(selfDeduplicate(6, edges(), { threshold: 60 })).rejects.toThrow('threshold 60; pass a cosine from -1 to less than 1');
    await expect(selfDeduplicate(6, edges(), { keep: 'medoid' })).rejects.toThrow('the policy medoid needs vectors, which are missing');
    await expect(selfDeduplicate(6, edges(), { keep: 'largestArea', area: [1] })).rejects.toThrow('area, which has 1 numbers for 6 rows');
    await expect(selfDeduplicate(6, edges(), { protect: new Uint8Array(5) })).rejects.toThrow('protect has 5 entries for 6 rows');
    await expect(selfDeduplicate(6, edges(), { vectors: plane(1, 2) })).rejects.toThrow('vectors has 2 entries for 6 rows');
  });
});
