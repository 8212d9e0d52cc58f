import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onnxEngine } from '@dinov2/engine-onnx';
import type { Engine } from '@dinov2/jit';
import { createRandom } from '@dinov2/primitives';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { CurationError } from '../error';
import { memoryVectors } from '../vectors/memory-vectors';
import type { Vectors } from '../vectors/vectors';
import type { EdgeBlock } from './edges';
import { type JoinOptions, joinNeighbours } from './join-neighbours';
import type { JoinProgress } from './progress';

const columns = 24;
let engine: Engine;
let scratch: string;
beforeAll(() => {
  engine = onnxEngine({ threads: 2 });
  scratch = mkdtempSync(join(tmpdir(), 'join-test-'));
});
afterAll(async () => {
  await engine.dispose();
  rmSync(scratch, { recursive: true });
});

/** Rows around some centres, of different lengths, a third of them close to an earlier row. */
function clustered(rows: number, seed: number, centres = 12): Float32Array {
  const random = createRandom(seed);
  const middle = Float32Array.from({ length: centres * columns }, () => random.normal());
  const data = new Float32Array(rows * columns);
  for (let row = 0; row < rows; row++) {
    const near = row > 10 && random.uniform() < 0.33;
    const from = near ? data : middle;
    const at = (near ? random.integer(row) : random.integer(centres)) * columns;
    const spread = near ? random.uniform(0, 1) : 1.2;
    const scale = random.uniform(0.5, 2);
    for (let i = 0; i < columns; i++) data[row * columns + i] = scale * (from[at + i]! + spread * random.normal());
  }
  return data;
}

interface Edge {
  readonly from: number;
  readonly to: number;
  readonly similarity: number;
}

/** All pairs in double precision, sorted. */
function bruteForce(queries: Float32Array, database: Float32Array, k: number, threshold: number): Edge[] {
  const unit = (data: Float32Array) =>
    Array.from({ length: data.length / columns }, (_, row) => {
      const values = [...data.subarray(row * columns, (row + 1) * columns)];
      const length = Math.hypot(...values);
      return values.map((value) => value / length);
    });
  const rows = unit(database);
  return unit(queries).flatMap((query, from) =>
    rows
      .map((row, to) => ({ from, to, similarity: row.reduce((sum, value, i) => sum + value * query[i]!, 0) }))
      .filter(({ to, similarity }) => similarity > threshold && !(queries === database && to === from))
      .sort((a, b) => b.similarity - a.similarity || a.to - b.to)
      .slice(0, k),
  );
}

async function all(blocks: AsyncIterable<EdgeBlock>): Promise<Edge[]> {
  const edges: Edge[] = [];
  for await (const { count, from, to, similarity } of blocks) {
    for (let i = 0; i < count; i++) edges.push({ from: from[i]!, to: to[i]!, similarity: similarity[i]! });
  }
  return edges;
}

async function joined(queries: Vectors, database: Vectors, options: Omit<JoinOptions, 'engine'>) {
  const result = await joinNeighbours(queries, database, { engine, ...options });
  const edges = await all(result.edges());
  expect(edges).toHaveLength(result.count);
  await result.close();
  return { ...result, edges };
}

/** The same pairs in the same order, with similarities within float32 rounding of 24 products. */
function expectEdges(actual: readonly Edge[], expected: readonly Edge[]): void {
  expect(actual.map(({ from, to }) => `${from} ${to}`)).toEqual(expected.map(({ from, to }) => `${from} ${to}`));
  actual.forEach(({ similarity }, i) => expect(Math.abs(similarity - expected[i]!.similarity)).toBeLessThan(1e-6));
}

describe('exact join', () => {
  it.each([
    [300, 300, 64, 0.6, undefined], [130, 1500, 5, 0.3, 50], [1100, 90, 8, 0.5, 1024], [40, 2100, 3, -Infinity, 7], [1, 5, 10, -1, undefined],
  ])('of %i queries and %i rows, k %i above %f equals brute force, %s queries at a time', async (count, rows, k, threshold, queryRows) => {
    const [queries, database] = [clustered(count, 1), clustered(rows, 2)];
    const { edges, method, edgeRecall } = await joined(memoryVectors(queries, columns), memoryVectors(database, columns), { k, threshold, queryRows });
    expectEdges(edges, bruteForce(queries, database, k, threshold));
    expect([method, edgeRecall]).toEqual(['exact', 1]);
  });

  it.each([[64, 0.6], [4, 0.2]])('with itself leaves the row out: k %i above %f', async (k, threshold) => {
    const data = clustered(700, 3);
    const vectors = memoryVectors(data, columns);
    const { edges } = await joined(vectors, vectors, { k, threshold, queryRows: 300 });
    expectEdges(edges, bruteForce(data, data, k, threshold));
  });
});

describe('join by partitions', () => {
  it.each([[undefined, undefined], [17, 100], [1, undefined], [200, 333]])('of %s partitions, all probed, equals the exact one, %s queries at a time', async (partitions = 30, queryRows) => {
    const data = clustered(900, 4);
    const vectors = memoryVectors(data, columns);
    const { edges, method, edgeRecall } = await joined(vectors, vectors, { method: 'ivf', k: 10, threshold: 0.4, partitions, probes: partitions, queryRows });
    expectEdges(edges, bruteForce(data, data, 10, 0.4));
    expect([method, edgeRecall]).toEqual(['ivf', 1]);
  });
});
