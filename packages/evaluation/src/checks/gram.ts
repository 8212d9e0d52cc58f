/**
 * Inner products of the rows, or of the columns where they are fewer: both have the same eigenvalues but for zeros.
 *
 * @returns the symmetric matrix (n, n), both halves filled, and n
 */
export function smallerGram(data: Float64Array, rows: number, columns: number): { matrix: Float64Array; n: number } {
  return rows < columns
    ? { matrix: gramOfRows(data, rows, columns), n: rows }
    : { matrix: gramOfRows(transposed(data, rows, columns), columns, rows), n: columns };
}

function transposed(data: Float64Array, rows: number, columns: number): Float64Array {
  const result = new Float64Array(data.length);
  for (let row = 0; row < rows; row++) {
    for (let i = 0; i < columns; i++) result[i * rows + row] = data[row * columns + i]!;
  }
  return result;
}

// So many numbers of a pair of rows at a time stay in the L1 cache while all pairs of a group use them.
const CHUNK = 1024;

function gramOfRows(data: Float64Array, rows: number, columns: number): Float64Array {
  const matrix = new Float64Array(rows * rows);
  for (let from = 0; from < columns; from += CHUNK) {
    const end = Math.min(from + CHUNK, columns);
    for (let a = 0; a < rows; a++) {
      for (let b = 0; b <= a; b++) {
        let sum0 = 0;
        let sum1 = 0;
        let i = from;
        for (; i + 1 < end; i += 2) {
          sum0 += data[a * columns + i]! * data[b * columns + i]!;
          sum1 += data[a * columns + i + 1]! * data[b * columns + i + 1]!;
        }
        if (i < end) sum0 += data[a * columns + i]! * data[b * columns + i]!;
        matrix[a * rows + b]! += sum0 + sum1;
      }
    }
  }
  for (let a = 0; a < rows; a++) for (let b = 0; b < a; b++) matrix[b * rows + a] = matrix[a * rows + b]!;
  return matrix;
}
