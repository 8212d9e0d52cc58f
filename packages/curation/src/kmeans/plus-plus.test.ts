import { onnxEngine } from '@dinov2/engine-onnx';
import { createRandom } from '@dinov2/primitives';
import { afterAll, describe, expect, it } from 'vitest';
import { NearestRows } from './nearest-rows';
import { plusPlus } from './plus-plus';

const engine = onnxEngine();
afterAll(() => engine.dispose());

describe('plusPlus', () => {
  it('picks with the probabilities of k-means++, though in batches', async () => {
    const points = Float32Array.of(0, 0, 1, 0, 0, 2, 3, 3);
    const weights = Float64Array.of(1, 3, 2, 1);
    const square = (a: number, b: number) => (points[2 * a]! - points[2 * b]!) ** 2 + (points[2 * a + 1]! - points[2 * b + 1]!) ** 2;
    // By the definition, one pick after the other: probability of every point to be left out of three.
    const leftOut = [0, 0, 0, 0];
    const pickNext = (picked: number[], probability: number) => {
      if (picked.length === 3) {
        leftOut[[0, 1, 2, 3].find((point) => !picked.includes(point))!]! += probability;
        return;
      }
      const masses = [0, 1, 2, 3].map((point) => weights[point]! * (picked.length ? Math.min(...picked.map((other) => square(point, other))) : 1));
      const total = masses.reduce((sum, mass) => sum + mass, 0);
      masses.forEach((mass, point) => mass > 0 && pickNext([...picked, point], (probability * mass) / total));
    };
    pickNext([], 1);

    const nearest = new NearestRows(engine, 2, 'euclidean');
    const runs = 300;
    const counts = [0, 0, 0, 0];
    for (let seed = 0; seed < runs; seed++) {
      const picked = await plusPlus(points, weights, { clusters: 3, columns: 2, nearest, random: createRandom(seed) });
      expect(new Set(picked).size).toBe(3);
      counts[[0, 1, 2, 3].find((point) => !picked.includes(point))!]!++;
    }
    nearest.dispose();
    // Five standard deviations of a binomial count.
    counts.forEach((count, point) => expect(Math.abs(count - runs * leftOut[point]!)).toBeLessThan(5 * Math.sqrt(runs * leftOut[point]! * (1 - leftOut[point]!)) + 1));
  });

  it('ends early when there are no more different points', async () => {
    const nearest = new NearestRows(engine, 2, 'cosine');
    const picked = await plusPlus(Float32Array.of(1, 0, 0, 1, 1, 0, 0, 1), new Float64Array(4).fill(1), { clusters: 4, columns: 2, nearest, random: createRandom(0) });
    nearest.dispose();
    expect(picked.length).toBe(2);
    expect(picked[0]! % 2).not.toBe(picked[1]! % 2);
  });
});
