import type { Features } from '@dinov2/evaluation';

/** Some rows of a matrix, in the order given. */
export function rowsOf({ data, shape }: Features, rows: ArrayLike<number>): Features {
  const columns = shape[1]!;
  const picked = new Float32Array(rows.length * columns);
  Array.from(rows).forEach((row, i) => picked.set(data.subarray(row * columns, (row + 1) * columns), i * columns));
  return { data: picked, shape: [rows.length, columns] };
}
