import { createRandom } from '@dinov2/primitives';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { memoryVectors } from '../vectors/memory-vectors';
import { Candidates } from './candidates';
import { ClusterSums, quantumFor } from './cluster-sums';
import { comparable, type Metric } from './metric';

const columns = 5;
const clusters = 9;
const depth = 3;

describe.each<Metric>(['cosine', 'euclidean'])('Candidates by %s distance', (metric) => {
  it('gives each row to the nearest of its candidates, and sums up as if all were compared', async () => {
    const problem = fc.record({ rows: fc.integer({ min: 1, max: 40 }), blockRows: fc.integer({ min: 1, max: 50 }), way: fc.constantFrom(0, 1e-3, 0.1, 1), seed: fc.nat(500) });
    await fc.assert(
      fc.asyncProperty(problem, async ({ rows, blockRows, way, seed }) => {
        const random = createRandom(seed);
        const normal = (length: number) => Float32Array.from({ length }, () => random.normal());
        const prepare = (data: Float32Array) => comparable(memoryVectors(data, columns), metric, new Float32Array(columns));
        const vectors = prepare(normal(rows * columns));
        const data = await vectors.read(0, rows);
        let centroids = await prepare(normal(clusters * columns)).read(0, clusters);
        const before = centroids;
        const score = (row: number, cluster: number) => {
          let [dot, square] = [0, 0];
          for (let i = 0; i < columns; i++) {
            dot += data[row * columns + i]! * centroids[cluster * columns + i]!;
            square += centroids[cluster * columns + i]! ** 2;
          }
          return metric === 'cosine' ? dot : dot - square / 2;
        };
        const lists = Array.from({ length: rows }, (_, row) => [...Array(clusters).keys()].sort((a, b) => score(row, b) - score(row, a)).slice(0, depth));
        const space = { clusters, columns, metric, quantum: quantumFor(8, rows), squareQuantum: quantumFor(400, rows) };
        const sums = new ClusterSums(space);
        sums.clear();
        const candidates = new Candidates({ first: 0, end: rows }, depth);
        candidates.set({ data, first: 0, count: rows, indices: Int32Array.from(lists.flat()), scores: Float32Array.from(lists.flatMap((list, row) => list.map((cluster) => score(row, cluster)))) });
        lists.forEach(([nearest], row) => sums.add(data, row * columns, row, centroids, nearest!));

        for (let iteration = 0; iteration < 3; iteration++) {
          centroids = await prepare(centroids.map((value) => value + way * random.normal())).read(0, clusters);
          await candidates.reassign(vectors, before, centroids, sums, { blockRows, onRows: () => undefined });
          const expected = new ClusterSums(space);
          expected.clear();
          lists.forEach((list, row) => {
            const nearest = list.reduce((best, cluster) => (score(row, cluster) > score(row, best) ? cluster : best));
            expected.add(data, row * columns, row, centroids, nearest);
          });
          expect(sums.counts).toEqual(expected.counts);
          expect(sums.sums).toEqual(expected.sums);
        }
      }),
    );
  });
});
