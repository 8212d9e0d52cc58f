import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onnxEngine } from '@dinov2/engine-onnx';
import { createRandom } from '@dinov2/primitives';
import { afterAll, describe, expect, it } from 'vitest';
import { memoryVectors } from '../vectors/memory-vectors';
import { openNpy } from '../vectors/open-npy';
import { hierarchicalKmeans, type HierarchyOptions } from './hierarchical-kmeans';
import { type Hierarchy, rowsBelow } from './hierarchy';

const engine = onnxEngine();
const folder = mkdtempSync(join(tmpdir(), 'hierarchy-'));
afterAll(async () => {
  await engine.dispose();
  rmSync(folder, { recursive: true, force: true });
});

const random = createRandom(3);
/** 2000 points of the plane: nine tenths of them in a dense spot. */
const points = Float32Array.from({ length: 4000 }, (_, i) => (i < 3600 ? 0.05 * random.normal() : 4 * random.normal()));
const vectors = memoryVectors(points, 2);
const options: HierarchyOptions = { levels: [100, 12, 3], engine, metric: 'euclidean', resampling: 3, seed: 4 };

const squaredDistance = (a: Float32Array, i: number, b: Float32Array, j: number) => (a[2 * i]! - b[2 * j]!) ** 2 + (a[2 * i + 1]! - b[2 * j + 1]!) ** 2;

describe('hierarchicalKmeans', () => {
  let whole: Hierarchy;

  it('puts every point into the cluster of its nearest centroid, members in order of distance', async () => {
    whole = await hierarchicalKmeans(vectors, options);
    expect(whole.levels.map(({ centroids }) => centroids.length / 2)).toEqual([100, 12, 3]);
    let below: Float32Array = points;
    for (const { centroids, clusters, similarity, offsets, members, inertia } of whole.levels) {
      const count = centroids.length / 2;
      let sum = 0;
      clusters.forEach((cluster, point) => {
        const squares = Array.from({ length: count }, (_, c) => squaredDistance(below, point, centroids, c));
        // Scores are float32 products of numbers up to 12: 1e-5 of their squares.
        expect(squares[cluster]!).toBeLessThan(Math.min(...squares) + 2e-4);
        expect(Math.abs(-similarity[point]! - squares[cluster]!)).toBeLessThan(2e-4);
        sum += squares[cluster]!;
      });
      expect(Math.abs(inertia / sum - 1)).toBeLessThan(1e-4);
      expect([...members].sort((a, b) => a - b)).toEqual([...clusters.keys()]);
      for (let c = 0; c < count; c++) {
        const own = [...members.subarray(offsets[c], offsets[c + 1])];
        expect(own.every((member) => clusters[member] === c)).toBe(true);
        expect(own.every((member, i) => i === 0 || similarity[member]! <= similarity[own[i - 1]!]!)).toBe(true);
      }
      below = centroids;
    }
  });

  it('counts the rows below a cluster', () => {
    const [first, second, third] = rowsBelow(whole);
    expect([...first!]).toEqual(Array.from({ length: 100 }, (_, c) => whole.levels[0]!.clusters.filter((cluster) => cluster === c).length));
    for (const sizes of [first!, second!, third!]) expect(sizes.reduce((sum, size) => sum + size, 0)).toBe(2000);
  });

  it.each(['nearest', 'random'] as const)('spreads centroids away from where the data are dense, with %s members', async (members) => {
    const dense = async (resampling: number) => {
      const { levels } = await hierarchicalKmeans(vectors, { ...options, levels: [100], resampling, members });
      const { centroids } = levels[0]!;
      return Array.from({ length: 100 }, (_, c) => Math.hypot(centroids[2 * c]!, centroids[2 * c + 1]!)).filter((length) => length < 0.25).length;
    };
    expect(await dense(8)).toBeLessThan(await dense(0));
  });

  it('goes on where it was interrupted, from files that others can read', async () => {
    const run = join(folder, 'run');
    for (let patience = 4; ; patience += 4) {
      const abort = new AbortController();
      let steps = 0;
      try {
        expect(await hierarchicalKmeans(vectors, { ...options, folder: run, signal: abort.signal, onProgress: () => void (++steps > patience && abort.abort()) })).toEqual(whole);
        break;
      } catch (error) {
        expect((error as Error).name).toBe('AbortError');
      }
    }
    expect(await hierarchicalKmeans(vectors, { ...options, folder: run, onProgress: () => expect.fail('computes') })).toEqual(whole);
    expect(readdirSync(join(run, 'level-1')).sort()).toEqual(['centroids.npy', 'clusters.npy', 'level.json', 'members.npy', 'offsets.npy', 'similarity.npy']);
    const centroids = await openNpy(join(run, 'level-2', 'centroids.npy'));
    expect(await centroids.read(0, centroids.rows)).toEqual(whole.levels[1]!.centroids);
    await centroids.close();
    const offsets = readFileSync(join(run, 'level-3', 'offsets.npy'));
    expect(offsets.toString('latin1', 10, 70)).toContain("{'descr': '<u4', 'fortran_order': False, 'shape': (4,), }");
    expect(new Uint32Array(new Uint8Array(offsets.subarray(128)).buffer)).toEqual(whole.levels[2]!.offsets);
    await expect(hierarchicalKmeans(vectors, { ...options, folder: run, seed: 5 })).rejects.toThrow('holds another clustering');
  });

  it('says what is wrong', async () => {
    await expect(hierarchicalKmeans(vectors, { ...options, levels: [] })).rejects.toThrow('levels is empty');
    await expect(hierarchicalKmeans(vectors, { ...options, levels: [10, 20] })).rejects.toThrow('level 2 has 20 clusters; expected a whole number between 1 and its 10 points');
    await expect(hierarchicalKmeans(vectors, { ...options, resampling: [1, 2] })).rejects.toThrow('of level 3 is undefined');
  });
});
