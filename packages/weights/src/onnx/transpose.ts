/** Rows and columns of one tile: two of them stay in the first-level cache. */
const tile = 32;

/** The transpose of a (rows, columns) matrix, whose row i is multiplied by `scales[i]` if given. */
export function transposed(matrix: Float32Array, rows: number, columns: number, scales?: Float32Array): Float32Array {
  const result = new Float32Array(matrix.length);
  for (let top = 0; top < rows; top += tile) {
    const bottom = Math.min(top + tile, rows);
    for (let left = 0; left < columns; left += tile) {
      const right = Math.min(left + tile, columns);
      for (let i = top; i < bottom; i++) {
        const scale = scales === undefined ? 1 : scales[i]!;
        for (let j = left; j < right; j++) result[j * rows + i] = matrix[i * columns + j]! * scale;
      }
    }
  }
  return result;
}
