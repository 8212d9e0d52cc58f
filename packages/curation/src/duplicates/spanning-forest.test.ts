import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { blocks, bruteComponents, type Edge, graphs } from './graphs.testing';
import { chainEdges, connectedComponents, cutForest, edgeBlock, maximumSpanningForest, type SpanningForest } from './index';

const thresholds = [-0.5, 0, 0.25, 0.5, 0.75];

const content = ({ count, from, to, similarity }: SpanningForest) =>
  Array.from({ length: count }, (_, i) => [from[i], to[i], similarity[i]]);

/** Components of at most `maximumSize` rows: the threshold raised step by step wherever one is larger. */
function bruteCut(rows: number, edges: readonly Edge[], threshold: number, maximumSize: number): number[] {
  const component = bruteComponents(rows, edges.filter(({ similarity }) => similarity > threshold));
  const higher = edges.map(({ similarity }) => similarity).filter((similarity) => similarity > threshold);
  if (higher.length === 0) return component;
  const raised = bruteCut(rows, edges, Math.min(...higher), maximumSize);
  const size = (label: number) => component.filter((other) => other === label).length;
  return component.map((label, row) => (size(label) > maximumSize ? raised[row]! : label));
}

describe('maximumSpanningForest', () => {
  it('has the components of all edges at every threshold, and they of the forest', async () => {
    await fc.assert(
      fc.asyncProperty(graphs(), fc.integer({ min: 1, max: 5 }), async ({ rows, edges }, room) => {
        const forest = await maximumSpanningForest(rows, blocks(edges, 3), { room });
        expect(forest.edgesRead).toBe(edges.length);
        expect(forest.count).toBeLessThan(rows);
        expect([...forest.similarity]).toEqual([...forest.similarity].sort((a, b) => b - a));
        for (const threshold of thresholds) {
          const expected = bruteComponents(rows, edges.filter(({ similarity }) => similarity > threshold));
          expect([...cutForest(forest, { threshold }).component]).toEqual(expected);
          expect([...(await connectedComponents(rows, forest, { threshold }))]).toEqual(expected);
        }
      }),
    );
  });

  it('is the same for every order, direction, repetition, room and division into shards', async () => {
    await fc.assert(
      fc.asyncProperty(graphs(), fc.integer({ min: 1, max: 7 }), async ({ rows, edges }, size) => {
        const whole = await maximumSpanningForest(rows, blocks(edges));
        const turned = edges.toReversed().map(({ from, to, similarity }) => ({ from: to, to: from, similarity }));
        expect(content(await maximumSpanningForest(rows, blocks([...turned, ...edges], size), { room: size }))).toEqual(content(whole));
        const a = await maximumSpanningForest(rows, blocks(turned.slice(0, size)));
        const b = await maximumSpanningForest(rows, blocks(turned.slice(size)));
        expect(content(await maximumSpanningForest(rows, chainEdges(b, a)))).toEqual(content(whole));
      }),
    );
  });

  it('orders similarities of both signs', async () => {
    const { similarity } = await maximumSpanningForest(5, [edgeBlock([0, 1, 2, 3], [1, 2, 3, 4], [-0.5, 0.25, -0.125, 0])]);
    expect([...similarity]).toEqual([0.25, 0, -0.125, -0.5]);
  });
});

describe('cutForest', () => {
  it('raises the threshold where a component is too large, and no further than needed', async () => {
    await fc.assert(
      fc.asyncProperty(graphs(12), fc.integer({ min: 1, max: 8 }), async ({ rows, edges }, maximumSize) => {
        const forest = await maximumSpanningForest(rows, blocks(edges));
        const { component, raised } = cutForest(forest, { threshold: 0.25, maximumSize, copyThreshold: 2 });
        expect([...component]).toEqual(bruteCut(rows, edges, 0.25, maximumSize));
        const whole = cutForest(forest, { threshold: 0.25 }).component;
        const larger = [...new Set(whole)].filter((label) => whole.filter((other) => other === label).length > maximumSize);
        expect(raised.map(({ component }) => component).toSorted((a, b) => a - b)).toEqual(larger.toSorted((a, b) => a - b));
        for (const { component: label, size, parts, threshold } of raised) {
          const rowsOf = [...whole.keys()].filter((row) => whole[row] === label);
          expect(size).toBe(rowsOf.length);
          expect(parts).toBe(new Set(rowsOf.map((row) => component[row])).size);
          const apart = edges.filter((e) => whole[e.from] === label && component[e.from] !== component[e.to]);
          expect(threshold).toBe(Math.max(...apart.map(({ similarity }) => similarity)));
        }
      }),
    );
  });

  it('parts a chain at its weakest link and counts copies as one picture', async () => {
    // A ~ B ~ C ~ D at 0.9, 0.7, 0.8, and a hundred copies of A (curation.md, §1.2: single linkage chains).
    const copies = Array.from({ length: 100 }, (_, i) => 4 + i);
    const edges = edgeBlock([0, 1, 2, ...copies.map(() => 0)], [1, 2, 3, ...copies], [0.9, 0.7, 0.8, ...copies.map(() => 1)]);
    const forest = await maximumSpanningForest(104, [edges]);
    expect(new Set(cutForest(forest, { threshold: 0.6 }).component)).toEqual(new Set([0]));
    const { component, raised } = cutForest(forest, { threshold: 0.6, maximumSize: 2 });
    expect([...component.subarray(0, 6)]).toEqual([0, 0, 2, 2, 0, 0]);
    expect(raised).toEqual([{ component: 0, size: 104, parts: 2, threshold: Math.fround(0.7) }]);
  });

  it('refuses a limit that is none', async () => {
    const forest = await maximumSpanningForest(2, []);
    expect(() => cutForest(forest, { threshold: 0.6, maximumSize: 0 })).toThrow('maximum component size 0');
  });
});
