import { unitRows } from '../vectors/unit-rows';
import type { Vectors } from '../vectors/vectors';

/**
 * Rows of vectors at length 1, (rows.length, columns).
 *
 * @throws CurationError on a row that is not finite or all zeros
 */
export async function gatherUnitRows(vectors: Vectors, rows: Uint32Array): Promise<Float32Array> {
  const data = await vectors.gather(rows);
  const { columns } = vectors;
  rows.forEach((row, i) => unitRows(data.subarray(i * columns, (i + 1) * columns), { columns, first: row, name: 'the vectors' }));
  return data;
}

/** How many rows are read at a time: 32 MB of them. */
export function rowsAtATime(vectors: Vectors): number {
  return Math.max(1, Math.floor(2 ** 23 / vectors.columns));
}

/** The product of row `i` of a and row `j` of b, both with `columns` numbers. */
export function dotRows(a: ArrayLike<number>, i: number, b: ArrayLike<number>, j: number, columns: number): number {
  let sum = 0;
  for (let c = 0; c < columns; c++) sum += a[i * columns + c]! * b[j * columns + c]!;
  return sum;
}
