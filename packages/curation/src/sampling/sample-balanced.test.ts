import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { groupMembers, type Hierarchy, type Level } from '../hierarchy/hierarchy';
import { sampleBalanced } from './sample-balanced';

/** A level that puts points into clusters; the point with the smaller number is nearer. */
function level(clusters: readonly number[], count: number): Level {
  const similarity = Float32Array.from(clusters, (_, point) => 1 - point / 100);
  const assigned = Uint32Array.from(clusters);
  return { centroids: new Float32Array(count), clusters: assigned, similarity, ...groupMembers(assigned, similarity, count), inertia: 0, iterations: 0 };
}

const hierarchy = (...levels: Level[]): Hierarchy => ({ rows: levels[0]!.clusters.length, columns: 1, metric: 'cosine', levels });

/** 12 rows: cluster 0 has 8, cluster 1 has 2, cluster 2 one, cluster 3 one; above, {0} and {1, 2, 3}. */
const tree = hierarchy(level([0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 2, 3], 4), level([0, 1, 1, 1], 2));

const times = (rows: Uint32Array, total: number) => {
  const counts = new Array<number>(total).fill(0);
  for (const row of rows) counts[row]!++;
  return counts;
};

describe('sampleBalanced', () => {
  it('shares from the top', () => {
    // Six: three to each top cluster; below the second, one to each of its three.
    const rows = sampleBalanced(tree, 6, { choose: 'closest' });
    expect([...rows]).toEqual([0, 1, 2, 8, 10, 11]);
    // Ten: the second top cluster has only four, the first gives six.
    expect([...sampleBalanced(tree, 10, { choose: 'closest' })]).toEqual([0, 1, 2, 3, 4, 5, 8, 9, 10, 11]);
  });

  it('takes whole copies of a leaf and the rest from its nearest', () => {
    const leaf = hierarchy(level([0, 0, 0], 1));
    expect([...sampleBalanced(leaf, 5, { multiplier: 2, choose: 'closest' })]).toEqual([0, 0, 1, 1, 2]);
  });

  it('takes all of them when more is asked for', () => {
    expect(times(sampleBalanced(tree, 1000), 12)).toEqual(new Array(12).fill(1));
    expect(times(sampleBalanced(tree, 1000, { multiplier: 3 }), 12)).toEqual(new Array(12).fill(3));
  });

  it('gives n rows, none more often than allowed, the same for one seed', () => {
    const problem = fc.record({
      rows: fc.array(fc.nat(5), { minLength: 1, maxLength: 40 }),
      parents: fc.array(fc.nat(2), { minLength: 6, maxLength: 6 }),
      n: fc.nat(100),
      multiplier: fc.integer({ min: 1, max: 3 }),
      seed: fc.nat(100),
      choose: fc.constantFrom('random' as const, 'closest' as const),
    });
    fc.assert(
      fc.property(problem, ({ rows, parents, n, ...options }) => {
        const made = hierarchy(level(rows, 6), level(parents, 3));
        const sample = sampleBalanced(made, n, options);
        expect(sample.length).toBe(Math.min(n, options.multiplier * rows.length));
        const counts = times(sample, rows.length);
        expect(Math.max(...counts)).toBeLessThanOrEqual(options.multiplier);
        // In a leaf no row is taken a second time before all are taken once.
        rows.forEach((cluster, a) => rows.forEach((other, b) => expect(cluster !== other || Math.abs(counts[a]! - counts[b]!) <= 1).toBe(true)));
        expect(sampleBalanced(made, n, options)).toEqual(sample);
      }),
    );
  });

  it('chooses rows of a leaf at random', () => {
    const leaf = hierarchy(level(new Array<number>(10).fill(0), 1));
    const counts = new Array<number>(10).fill(0);
    for (let seed = 0; seed < 2000; seed++) for (const row of sampleBalanced(leaf, 3, { seed })) counts[row]!++;
    // Each in three of ten samples; six standard deviations are 123.
    for (const count of counts) expect(Math.abs(count - 600)).toBeLessThan(123);
  });
});
