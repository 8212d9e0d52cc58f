import { createRandom } from '@dinov2/primitives';
import { describe, expect, it } from 'vitest';
import { type Features, matchPatches, nearDuplicates, searchNeighbours } from '../index';

const random = createRandom(4);
const normal = (rows: number, columns: number): Features => ({
  data: Float32Array.from({ length: rows * columns }, () => random.normal()),
  shape: [rows, columns],
});
const row = ({ data, shape }: Features, i: number) => data.subarray(i * shape[1]!, (i + 1) * shape[1]!);
const cosine = (x: Float32Array, y: Float32Array) => x.reduce((sum, v, i) => sum + v * y[i]!, 0) / Math.hypot(...x) / Math.hypot(...y);

describe('nearDuplicates', () => {
  it('finds the pairs that a look at all pairs finds', async () => {
    const features = normal(60, 6);
    row(features, 41).set(row(features, 7));
    row(features, 50).set(row(features, 7).map((x) => 3 * x + 0.01));
    const pairs = nearDuplicates(await searchNeighbours(features, features, 60), 0.8);
    const expected: string[] = [];
    for (let a = 0; a < 60; a++) for (let b = a + 1; b < 60; b++) if (cosine(row(features, a), row(features, b)) >= 0.8) expected.push(`${a} ${b}`);
    expect(pairs.map(({ first, second }) => `${first} ${second}`).sort()).toEqual(expected.sort());
    expect([pairs[0]!.first, pairs[0]!.second]).toEqual([7, 41]);
    expect(pairs.map(({ similarity }) => similarity)).toEqual(pairs.map(({ similarity }) => similarity).sort((a, b) => b - a));
  });

  it('lists each pair once, also where the two similarities differ by rounding or only one row has found the other', () => {
    const found = {
      indices: Int32Array.of(0, 1, 1, 0, 2, 0),
      similarities: Float32Array.of(1, 0.95, 1, 0.951, 1, 0.93),
      k: 2,
    };
    expect(nearDuplicates(found, 0.9).map(({ first, second }) => [first, second])).toEqual([[0, 1], [0, 2]]);
    expect(nearDuplicates(found, 0.94).length).toBe(1);
  });

  it('is content with one row, and refuses a threshold that is no cosine', async () => {
    const one = normal(1, 3);
    const found = await searchNeighbours(one, one, 1);
    expect(nearDuplicates(found, 0.9)).toEqual([]);
    expect(() => nearDuplicates(found, 90)).toThrow(/threshold is 90/);
  });
});

describe('matchPatches', () => {
  it('finds the patches of a picture again in another order', async () => {
    const a = normal(30, 12);
    const order = random.permutation(30);
    const b = { data: new Float32Array(30 * 12), shape: [30, 12] };
    order.forEach((from, to) => row(b, to).set(row(a, from).map((x) => x + 0.01 * random.normal())));
    const matches = await matchPatches(a, b);
    expect(matches.length).toBe(30);
    for (const match of matches) {
      expect(order[match.b]).toBe(match.a);
      expect(match.similarity).toBeGreaterThan(0.99);
    }
  });

  it('keeps only pairs that are each other\u2019s nearest and above the threshold', async () => {
    const [a, b] = [normal(25, 3), normal(40, 3)];
    const nearest = (x: Features, i: number, y: Features) => {
      const similarities = Array.from({ length: y.shape[0]! }, (_, j) => cosine(row(x, i), row(y, j)));
      return similarities.indexOf(Math.max(...similarities));
    };
    const expected = Array.from({ length: 25 }, (_, i) => [i, nearest(a, i, b)] as const).filter(([i, j]) => nearest(b, j, a) === i);
    const pairs = (matches: readonly { a: number; b: number }[]) => matches.map((match) => `${match.a} ${match.b}`).sort();
    expect(pairs(await matchPatches(a, b))).toEqual(expected.map(([i, j]) => `${i} ${j}`).sort());
    const strict = expected.filter(([i, j]) => cosine(row(a, i), row(b, j)) >= 0.98);
    expect(pairs(await matchPatches(a, b, { threshold: 0.98 }))).toEqual(strict.map(([i, j]) => `${i} ${j}`).sort());
  });
});
