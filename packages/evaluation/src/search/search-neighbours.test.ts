import { onnxEngine } from '@dinov2/engine-onnx';
import { eagerEngine } from '@dinov2/jit';
import { createRandom } from '@dinov2/primitives';
import '@tensorflow/tfjs-backend-cpu';
import * as tf from '@tensorflow/tfjs-core';
import fc from 'fast-check';
import { afterAll, describe, expect, it } from 'vitest';
import { EvaluationError, type Features, type FeatureBlocks, searchNeighbours, type SearchProgress } from '../index';

const engine = onnxEngine();
afterAll(() => engine.dispose());

const random = createRandom(8);
const normal = (rows: number, columns: number): Features => ({
  data: Float32Array.from({ length: rows * columns }, () => random.normal()),
  shape: [rows, columns],
});

/** Rows of ±1, 16 wide: their length is 4, so that every similarity is exact in float32 and many are equal. */
const signs = (rows: number): Features => ({
  data: Float32Array.from({ length: rows * 16 }, () => (random.uniform() < 0.5 ? -1 : 1)),
  shape: [rows, 16],
});

/** All similarities by the definition, sorted; equal ones in order of row number. */
function bySorting({ data: a, shape: [n, columns] }: Features, { data: b, shape: [m] }: Features, k: number) {
  const at = (data: Float32Array, row: number) => data.subarray(row * columns!, (row + 1) * columns!);
  return Array.from({ length: n! }, (_, query) =>
    Array.from({ length: m! }, (_, row) => {
      const [x, y] = [at(a, query), at(b, row)];
      return { row, similarity: x.reduce((sum, value, i) => sum + value * y[i]!, 0) / Math.max(Math.hypot(...x), 1e-12) / Math.max(Math.hypot(...y), 1e-12) };
    })
      .sort((x, y) => y.similarity - x.similarity || x.row - y.row)
      .slice(0, k),
  ).flat();
}

async function* blocksOf({ data, shape: [rows, columns] }: Features, sizes: readonly number[]): AsyncGenerator<Features> {
  for (let from = 0, i = 0; from < rows!; i++) {
    const count = Math.min(sizes[i % sizes.length]!, rows! - from);
    yield { data: data.subarray(from * columns!, (from + count) * columns!), shape: [count, columns!] };
    from += count;
  }
}

// The eager engine has no kernel for the running lists: it takes their definition in tfjs operations.
const ways = { plain: {}, 'ONNX Runtime': { engine }, eager: { engine: eagerEngine({ backend: 'cpu' }) } };

describe.each(Object.entries(ways))('searchNeighbours, %s', (_name, options) => {
  it('is a stable sort of all similarities, for any sizes and k', async () => {
    const sizes = fc.record({
      queries: fc.integer({ min: 1, max: 40 }),
      rows: fc.integer({ min: 1, max: 90 }),
      share: fc.double({ min: 0, max: 1, noNaN: true }),
      blocks: fc.array(fc.integer({ min: 1, max: 50 }), { minLength: 1, maxLength: 4 }),
    });
    await fc.assert(
      fc.asyncProperty(sizes, async ({ queries: n, rows: m, share, blocks }) => {
        const k = 1 + Math.floor(share * (m - 1));
        const [queries, database] = [signs(n), signs(m)];
        const expected = bySorting(queries, database, k);
        for (const source of [database, blocksOf(database, blocks)] as FeatureBlocks[]) {
          const { indices, similarities } = await searchNeighbours(queries, source, k, options);
          expect([...similarities]).toEqual(expected.map(({ similarity }) => similarity));
          expect([...indices]).toEqual(expected.map(({ row }) => row));
        }
      }),
      { numRuns: 25 },
    );
  });

  it('crosses tiles and blocks of queries, with equal rows in every tile', async () => {
    const database = normal(2500, 9);
    // The last 2100 rows repeat the first 400.
    for (let row = 400; row < 2500; row++) database.data.copyWithin(row * 9, (row % 400) * 9, ((row % 400) + 1) * 9);
    const queries = normal(1100, 9);
    const { indices, similarities, k } = await searchNeighbours(queries, database, 20, options);
    const some = [0, 1, 1023, 1024, 1099];
    for (const query of some) {
      const one = { data: queries.data.subarray(query * 9, (query + 1) * 9), shape: [1, 9] };
      const expected = bySorting(one, database, k);
      // Sums of nine float32 products.
      expected.forEach(({ similarity }, i) => expect(similarities[query * k + i]).toBeCloseTo(similarity, 6));
      expect([...indices.subarray(query * k, (query + 1) * k)]).toEqual(expected.map(({ row }) => row));
    }
  });

  it.each([1500, 2047])('sorts lists as long as %i', async (k) => {
    const [queries, database] = [signs(3), signs(2047)];
    const { indices } = await searchNeighbours(queries, database, k, options);
    expect([...indices]).toEqual(bySorting(queries, database, k).map(({ row }) => row));
  });

  it('bears rows of zeros and rows of any length, also where float32 cannot hold its square', async () => {
    const database = { data: Float32Array.of(0, 0, 1e25, 1e25, -1e-9, 0), shape: [3, 2] };
    const { indices, similarities } = await searchNeighbours({ data: Float32Array.of(3, 3, 0, 0), shape: [2, 2] }, database, 3, options);
    expect([...indices]).toEqual([1, 0, 2, 0, 1, 2]);
    [1, 0, -Math.SQRT1_2, 0, 0, 0].forEach((value, i) => expect(similarities[i]).toBeCloseTo(value, 6));
  });

  it('names the row that is not finite, counted through all blocks', async () => {
    const database = normal(1300, 4);
    database.data[1234 * 4 + 2] = NaN;
    for (const source of [database, blocksOf(database, [100])] as FeatureBlocks[]) {
      await expect(searchNeighbours(normal(2, 4), source, 3, options)).rejects.toThrow(/row 1234 of database is not finite/);
    }
    const queries = normal(3, 4);
    queries.data[5] = Infinity;
    await expect(searchNeighbours(queries, normal(3, 4), 1, options)).rejects.toThrow(/row 1 of queries is not finite/);
  });

  it('refuses a k that the blocks do not reach, and blocks of another width', async () => {
    await expect(searchNeighbours(normal(2, 4), blocksOf(normal(9, 4), [5]), 10, options)).rejects.toThrow(/k is 10.*the 9 database rows/);
    await expect(searchNeighbours(normal(2, 4), [normal(9, 5)], 1, options)).rejects.toThrow(EvaluationError);
    await expect(searchNeighbours(normal(2, 4), [normal(9, 5)], 1, options)).rejects.toThrow(/4 columns and database has 5/);
    await expect(searchNeighbours(normal(2, 4), normal(9, 4), 0, options)).rejects.toThrow(/k is 0/);
  });

  it('tells how far it is, stops when asked to, and leaves no tensors', async () => {
    const before = tf.memory().numTensors;
    const seen: SearchProgress[] = [];
    const database = normal(2100, 4);
    await searchNeighbours(normal(2, 4), database, 3, { ...options, onProgress: (progress) => seen.push(progress) });
    expect(seen.map(({ rows, total }) => [rows, total])).toEqual([[1024, 2100], [2048, 2100], [2100, 2100]]);
    expect(seen.at(-1)!.secondsLeft).toBe(0);
    const controller = new AbortController();
    const stopped = searchNeighbours(normal(2, 4), database, 3, { ...options, signal: controller.signal, onProgress: () => controller.abort() });
    await expect(stopped).rejects.toThrow(/abort/i);
    expect(tf.memory().numTensors).toBe(before);
  });
});

it('finds the same with an engine as without, up to rounding', async () => {
  const [queries, database] = [normal(37, 50), normal(1111, 50)];
  const [plain, fast] = [await searchNeighbours(queries, database, 30), await searchNeighbours(queries, database, 30, { engine })];
  // Both round unit vectors to float32 and sum 50 products of them.
  plain.similarities.forEach((value, i) => expect(Math.abs(fast.similarities[i]! - value)).toBeLessThan(5e-7));
  plain.indices.forEach((row, i) => {
    if (row !== fast.indices[i]) expect(Math.abs(plain.similarities[i]! - plain.similarities[i + 1]!)).toBeLessThan(1e-6);
  });
});
