import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onnxEngine } from '@dinov2/engine-onnx';
import { createRandom } from '@dinov2/primitives';
import fc from 'fast-check';
import { afterAll, describe, expect, it } from 'vitest';
import { memoryVectors } from '../vectors/memory-vectors';
import type { Vectors } from '../vectors/vectors';
import { assign } from './assign';
import type { Clustering } from './clustering';
import golden from './kmeans.golden.json' with { type: 'json' };
import { kmeans, type KmeansOptions } from './kmeans';
import type { Metric } from './metric';

const engine = onnxEngine();
const folder = mkdtempSync(join(tmpdir(), 'kmeans-'));
let folders = 0;
const newFolder = () => join(folder, String(folders++));
afterAll(async () => {
  await engine.dispose();
  rmSync(folder, { recursive: true, force: true });
});

/** Rows around some centres, not of length 1. */
function scattered(rows: number, columns: number, centres: number, seed: number): Vectors {
  const random = createRandom(seed);
  const middle = Float32Array.from({ length: centres * columns }, () => 2 * random.normal());
  const data = new Float32Array(rows * columns);
  for (let row = 0; row < rows; row++) {
    const centre = random.integer(centres);
    for (let i = 0; i < columns; i++) data[row * columns + i] = middle[centre * columns + i]! + random.normal();
  }
  return memoryVectors(data, columns);
}

describe.each(golden)('$name, against an independent implementation', (expected) => {
  const { columns, clusters, lloyd, best } = expected;
  const metric = expected.metric as Metric;
  const data = Float32Array.from(expected.rows);
  const vectors = memoryVectors(data, columns);

  it('comes from the same start to the same centroids', async () => {
    const initial = data.slice(0, clusters * columns);
    const { centroids, sizes, inertia } = await kmeans(vectors, { clusters, metric, engine, initial, tolerance: 0, iterations: 1000 });
    expect([...sizes]).toEqual(lloyd.sizes);
    // Rows are float32: of numbers near 1000, half a unit in the last place is 3e-5.
    const digits = Math.max(...data.map(Math.abs)) * 2 ** -24;
    lloyd.centroids.forEach((value, i) => expect(Math.abs(centroids[i]! - value)).toBeLessThan(2 * digits + 1e-6));
    expect(Math.abs(inertia / lloyd.inertia - 1)).toBeLessThan(1e-5);
  });

  it.each([0, 1, 2, 3, 4])('is within half a percent of the best of many starts, seed %i', async (seed) => {
    const { inertia } = await kmeans(vectors, { clusters, metric, engine, seed });
    expect(inertia / best).toBeLessThan(1.005);
  });
});

const settings = { clusters: 300, engine, seed: 1, iterations: 3 } as const;
/** Enough clusters for candidates, and a last tile that is not full. */
const many = scattered(3000, 17, 40, 5);

/** Everything but floats that came from another order of products. */
const expectSame = (actual: Clustering, expected: Clustering) => {
  expect(Buffer.from(actual.centroids.buffer).equals(Buffer.from(expected.centroids.buffer))).toBe(true);
  expect(actual).toEqual(expected);
};

describe.each(['cosine', 'euclidean'] as const)('k-means by %s distance', (metric) => {
  const options: KmeansOptions = { ...settings, metric };
  let whole: Clustering;

  it('gives centroids whose sizes and inertia are those of an assignment', async () => {
    whole = await kmeans(many, options);
    const { clusters, similarity } = await assign(many, whole, { engine });
    const sizes = new Uint32Array(300);
    for (const cluster of clusters) sizes[cluster]!++;
    expect(sizes).toEqual(whole.sizes);
    const inertia = similarity.reduce((sum, value) => sum + (metric === 'cosine' ? 2 - 2 * value : -value), 0);
    // Similarities are float32, and distances are small differences of them.
    expect(Math.abs(inertia / whole.inertia - 1)).toBeLessThan(1e-5);
  });

  it.each([100, 1024, 5000])('is the same to the bit when %i rows are read at once', async (blockRows) => {
    expectSame(await kmeans(many, { ...options, blockRows }), whole);
  });

  it.each([2, 5])('is the same to the bit in %i shards', async (of) => {
    const checkpoint = newFolder();
    const shards = Array.from({ length: of }, (_, index) => kmeans(many, { ...options, checkpoint, shard: { index, of } }));
    for (const result of await Promise.all(shards)) expectSame(result, whole);
  });

  it('is the same to the bit when it is interrupted again and again', async () => {
    const checkpoint = newFolder();
    for (let patience = 1; ; patience += 2) {
      const abort = new AbortController();
      let tiles = 0;
      try {
        expectSame(await kmeans(many, { ...options, checkpoint, signal: abort.signal, onProgress: () => void (++tiles > patience && abort.abort()) }), whole);
        break;
      } catch (error) {
        expect((error as Error).name).toBe('AbortError');
      }
    }
    // The result is kept, nothing else is computed, and no old centroids lie about.
    const silent = await kmeans(many, { ...options, checkpoint, onProgress: () => expect.fail('computes') });
    expectSame(silent, whole);
    expect(readdirSync(checkpoint)).toHaveLength(2);
  });
});

describe('kmeans', () => {
  it('clusters growing samples before all rows', async () => {
    const vectors = scattered(70_000, 4, 30, 3);
    const phases = new Map<string, number>();
    const options = { clusters: 30, engine, seed: 0, iterations: 4 };
    const { inertia } = await kmeans(vectors, { ...options, onProgress: ({ phase, total }) => phases.set(phase, total) });
    expect([...phases.keys()].filter((phase) => phase !== 'seed')).toEqual(['sample', 'all']);
    expect(phases.get('all')).toBe(70_000);
    expect(Math.abs(phases.get('sample')! - 32_768)).toBeLessThan(6 * Math.sqrt(32_768));
    const initial = await vectors.read(0, 30);
    expect(inertia).toBeLessThan((await kmeans(vectors, { ...options, initial })).inertia);
  });

  it('fills clusters that have no row', async () => {
    // All starts but one are far from every row.
    const initial = new Float32Array(300 * 17).fill(1e3, 17);
    const { sizes } = await kmeans(many, { clusters: 300, metric: 'euclidean', engine, initial });
    expect(Math.min(...sizes)).toBeGreaterThan(0);
  });

  it('leaves clusters empty where there are fewer different rows', async () => {
    const three = memoryVectors(Float32Array.from({ length: 40 }, (_, i) => [1, 0, 0, 1, -1, 0, 1, 0][i % 8]!), 2);
    const { sizes, inertia } = await kmeans(three, { clusters: 5, engine });
    expect(inertia).toBe(0);
    expect([...sizes].sort((a, b) => b - a)).toEqual([10, 5, 5, 0, 0]);
  });

  it('never ends with a larger inertia than it had after fewer iterations', async () => {
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 2, max: 60 }), fc.integer({ min: 1, max: 12 }), fc.nat(1000), async (rows, columns, seed) => {
        const vectors = scattered(rows, columns, 3, seed);
        const clusters = Math.min(rows, 1 + (seed % 7));
        const initial = await vectors.read(0, clusters);
        let before = Infinity;
        for (const iterations of [1, 2, 4]) {
          const { inertia, sizes } = await kmeans(vectors, { clusters, metric: 'euclidean', engine, initial, iterations, tolerance: 0 });
          expect(inertia).toBeLessThanOrEqual(before * (1 + 1e-6));
          expect(sizes.reduce((sum, size) => sum + size, 0)).toBe(rows);
          before = inertia;
        }
      }),
      { numRuns: 15 },
    );
  });

  it('says what is wrong', async () => {
    const zeros = memoryVectors(new Float32Array(8), 2);
    const broken = memoryVectors(Float32Array.of(1, 2, NaN, 4), 2);
    await expect(kmeans(zeros, { clusters: 5, engine })).rejects.toThrow('clusters is 5; expected a whole number between 1 and the 4 rows');
    await expect(kmeans(zeros, { clusters: 2, engine })).rejects.toThrow('row 0 is all zeros and has no direction');
    await expect(kmeans(broken, { clusters: 1, engine, metric: 'euclidean' })).rejects.toThrow('row 1 holds NaN');
    await expect(kmeans(many, { ...settings, shard: { index: 0, of: 2 } })).rejects.toThrow('shards meet in a checkpoint folder');
    await expect(kmeans(many, { ...settings, shard: { index: 2, of: 2 }, checkpoint: newFolder() })).rejects.toThrow('shard 2 of 2');
    const checkpoint = newFolder();
    await kmeans(many, { clusters: 2, engine, checkpoint });
    await expect(kmeans(many, { clusters: 3, engine, checkpoint })).rejects.toThrow('holds another clustering');
    const clustering = await kmeans(many, { clusters: 2, engine });
    await expect(assign(zeros, clustering, { engine })).rejects.toThrow('the centroids have 17 columns and the vectors 2');
  });
});
