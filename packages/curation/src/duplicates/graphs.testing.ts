import fc from 'fast-check';
import type { EdgeBlock } from '../neighbours/edges';
import { edgeBlock } from './edges';

export interface Edge {
  readonly from: number;
  readonly to: number;
  readonly similarity: number;
}

export interface Graph {
  readonly rows: number;
  readonly edges: readonly Edge[];
}

/** Graphs with loops, repeated edges, and few different similarities, all exact in float32. */
export const graphs = (maximumRows = 24): fc.Arbitrary<Graph> =>
  fc.integer({ min: 1, max: maximumRows }).chain((rows) => {
    const row = fc.integer({ min: 0, max: rows - 1 });
    const similarity = fc.integer({ min: 0, max: 8 }).map((eighths) => eighths / 8);
    return fc.record({
      rows: fc.constant(rows),
      edges: fc.array(fc.record({ from: row, to: row, similarity }), { maxLength: 2 * maximumRows }),
    });
  });

/** The edges in blocks of a size. */
export function blocks(edges: readonly Edge[], size = edges.length || 1): EdgeBlock[] {
  return Array.from({ length: Math.ceil(edges.length / size) }, (_, block) => {
    const some = edges.slice(block * size, (block + 1) * size);
    return edgeBlock(some.map((e) => e.from), some.map((e) => e.to), some.map((e) => e.similarity));
  });
}

/** Components by spreading the lowest label until nothing changes. */
export function bruteComponents(rows: number, edges: readonly Edge[]): number[] {
  const labels = Array.from({ length: rows }, (_, row) => row);
  for (let changed = true; changed; ) {
    changed = false;
    for (const { from, to } of edges) {
      const lowest = Math.min(labels[from]!, labels[to]!);
      changed ||= labels[from] !== lowest || labels[to] !== lowest;
      labels[from] = labels[to] = lowest;
    }
  }
  return labels;
}
