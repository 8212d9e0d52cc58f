import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ClusterSums, quantumFor, type SumSpace } from './cluster-sums';

const columns = 3;
const value = fc.float({ min: -1, max: 1, noNaN: true });
const problem = fc.record({
  rows: fc.array(fc.record({ x: fc.array(value, { minLength: columns, maxLength: columns }), cluster: fc.nat(2), shard: fc.nat(2), order: fc.nat() }), { minLength: 1, maxLength: 30 }),
  centroids: fc.array(value, { minLength: 9, maxLength: 9 }),
});

function summed(rows: readonly { x: number[]; cluster: number; number: number }[], centroids: Float32Array, space: SumSpace): ClusterSums {
  const sums = new ClusterSums(space);
  sums.clear();
  for (const { x, cluster, number } of rows) sums.add(Float32Array.from(x), 0, number, centroids, cluster);
  return sums;
}

describe('ClusterSums', () => {
  const space = (rows: number): SumSpace => ({ clusters: 3, columns, metric: 'euclidean', quantum: quantumFor(1, rows), squareQuantum: quantumFor(12, rows) });

  it('holds sums, counts, squared distances and the farthest row', () => {
    const centroids = Float32Array.of(0, 0, 0, 1, 0, 0, 0, 1, 0);
    const rows = [
      { x: [0.5, 0, 0], cluster: 0, number: 7 },
      { x: [0, -0.5, 0], cluster: 0, number: 5 },
      { x: [0.25, 0, 0], cluster: 1, number: 9 },
    ];
    const { sums, counts, squares, largest, farthest, inertia } = summed(rows, centroids, space(3));
    expect([...sums]).toEqual([0.5, -0.5, 0, 0.25, 0, 0, 0, 0, 0]);
    expect([...counts]).toEqual([2, 1, 0]);
    expect([...squares]).toEqual([0.5, 0.5625, 0]);
    expect([...largest]).toEqual([0.25, 0.5625, -1]);
    expect([...farthest]).toEqual([5, 9, 0]);
    expect(inertia).toBe(1.0625);
  });

  it('is the same to the bit in any order, in any shards, merged in any order', () => {
    fc.assert(
      fc.property(problem, ({ rows, centroids }) => {
        const numbered = rows.map((row, number) => ({ ...row, number }));
        const at = Float32Array.from(centroids);
        const whole = summed(numbered, at, space(rows.length));
        const shuffled = [...numbered].sort((a, b) => a.order - b.order);
        const [a, b, c] = [0, 1, 2].map((shard) => summed(shuffled.filter((row) => row.shard === shard), at, space(rows.length)));
        const copy = new ClusterSums(whole.space);
        copy.copy(c!);
        copy.merge(a!);
        copy.merge(b!);
        b!.merge(c!);
        a!.merge(b!);
        expect(copy.data).toEqual(whole.data);
        expect(a!.data).toEqual(whole.data);
      }),
    );
  });

  it('moves a row as if it had been in the other cluster from the start', () => {
    fc.assert(
      fc.property(problem, fc.nat(2), ({ rows, centroids }, to) => {
        const numbered = rows.map((row, number) => ({ ...row, number }));
        const at = Float32Array.from(centroids);
        const sums = summed(numbered, at, space(rows.length));
        const { x, cluster } = numbered[0]!;
        if (cluster === to) return;
        sums.move(Float32Array.from(x), 0, cluster, to);
        const other = summed([{ ...numbered[0]!, cluster: to }, ...numbered.slice(1)], at, space(rows.length));
        expect(sums.sums).toEqual(other.sums);
        expect(sums.counts).toEqual(other.counts);
      }),
    );
  });
});
