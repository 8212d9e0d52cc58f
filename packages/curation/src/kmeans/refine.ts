import type { Vectors } from '../vectors/vectors';
import type { ClusterSums } from './cluster-sums';
import type { RowRange } from './nearest-pass';

/** For each row the centroids that may become its nearest: (rows, depth), the nearest first. */
export interface Candidates {
  readonly centroids: Uint32Array;
  readonly depth: number;
}

/**
 * Sum up rows by the nearest of their candidates instead of all centroids. Centroids move little from one iteration to
 * the next, so that the few nearest ones of a row stay so for some iterations, at a small part of the work.
 */
export async function sumByCandidates(
  vectors: Vectors,
  { first, end }: RowRange,
  { centroids: candidates, depth }: Candidates,
  centroids: Float32Array,
  sums: ClusterSums,
  { blockRows, onRows, signal }: { readonly blockRows: number; readonly onRows: (rows: number) => void; readonly signal?: AbortSignal },
): Promise<void> {
  const { columns } = vectors;
  const halves = sums.space.metric === 'cosine' ? undefined : halfSquares(centroids, columns);
  for (let block = first; block < end; block += blockRows) {
    signal?.throwIfAborted();
    const count = Math.min(blockRows, end - block);
    const rows = await vectors.read(block, count);
    for (let row = 0; row < count; row++) {
      let best = -1;
      let largest = -Infinity;
      const list = (block - first + row) * depth;
      for (let i = list; i < list + depth; i++) {
        const candidate = candidates[i]!;
        const score = dot(rows, row * columns, centroids, candidate * columns, columns) - (halves ? halves[candidate]! : 0);
        if (score > largest || (score === largest && candidate < best)) {
          best = candidate;
          largest = score;
        }
      }
      sums.add(rows, row * columns, block + row, centroids, best);
    }
    onRows(count);
  }
}

function halfSquares(rows: Float32Array, columns: number): Float64Array {
  return Float64Array.from({ length: rows.length / columns }, (_, row) => dot(rows, row * columns, rows, row * columns, columns) / 2);
}

// Four running sums let the processor overlap the additions.
function dot(a: Float32Array, startA: number, b: Float32Array, startB: number, length: number): number {
  let sum0 = 0;
  let sum1 = 0;
  let sum2 = 0;
  let sum3 = 0;
  let i = 0;
  for (; i + 3 < length; i += 4) {
    sum0 += a[startA + i]! * b[startB + i]!;
    sum1 += a[startA + i + 1]! * b[startB + i + 1]!;
    sum2 += a[startA + i + 2]! * b[startB + i + 2]!;
    sum3 += a[startA + i + 3]! * b[startB + i + 3]!;
  }
  for (; i < length; i++) sum0 += a[startA + i]! * b[startB + i]!;
  return sum0 + sum1 + (sum2 + sum3);
}
