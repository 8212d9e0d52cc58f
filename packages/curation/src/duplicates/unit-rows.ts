import type { Vectors } from '../vectors/vectors';

/** Rows of vectors at length 1, (rows.length, columns); a row of zeros stays as it is. */
export async function unitRows(vectors: Vectors, rows: Uint32Array): Promise<Float32Array> {
  const data = await vectors.gather(rows);
  const { columns } = vectors;
  for (let first = 0; first < data.length; first += columns) {
    let squares = 0;
    for (let i = first; i < first + columns; i++) squares += data[i]! * data[i]!;
    const scale = squares > 0 ? 1 / Math.sqrt(squares) : 0;
    for (let i = first; i < first + columns; i++) data[i]! *= scale;
  }
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
