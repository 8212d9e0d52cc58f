import { logisticModule } from './module';

interface Kernel {
  multiply(a: number, b: number, rows: number, columns: number, steps: number, result: number): void;
}

/**
 * Products with the inverse of a symmetric positive definite matrix (width, width): maps (rows, width), row by row.
 * Replace the matrix with `set`.
 */
export interface Preconditioner {
  set(matrix: Float64Array): void;
  apply(vectors: Float64Array): Float64Array;
}

/** A {@link Preconditioner} for a number of rows and a width. */
export function createPreconditioner(rows: number, width: number): Preconditioner {
  const wide = (n: number) => (n + 3) & ~3;
  const matrixAt = 65536;
  const vectorsAt = matrixAt + wide(width) * width * 8;
  const resultAt = vectorsAt + wide(rows) * width * 8;
  const end = resultAt + wide(rows) * wide(width) * 8;
  const memory = new WebAssembly.Memory({ initial: Math.ceil(end / 65536) });
  const { exports } = new WebAssembly.Instance(logisticModule(), { env: { memory, log1p: Math.log1p } });
  const kernel = exports as unknown as Kernel;

  /** Rows (count, width) to panels (wide(count) / 4, width, 4). */
  const load = (values: Float64Array, count: number, start: number) => {
    const panels = new Float64Array(memory.buffer, start, wide(count) * width);
    for (let row = 0; row < count; row++) {
      let at = (row >> 2) * width * 4 + (row & 3);
      for (let i = row * width; i < (row + 1) * width; i++, at += 4) panels[at] = values[i]!;
    }
  };
  return {
    set: (matrix) => load(inverse(matrix, width), width, matrixAt),
    apply(vectors) {
      load(vectors, rows, vectorsAt);
      kernel.multiply(vectorsAt, matrixAt, rows, width, width, resultAt);
      const products = new Float64Array(rows * width);
      for (let row = 0; row < rows; row++) {
        products.set(new Float64Array(memory.buffer, resultAt + row * wide(width) * 8, width), row * width);
      }
      return products;
    },
  };
}

/** Inverse of a symmetric positive definite matrix by its Cholesky factor. */
function inverse(matrix: Float64Array, n: number): Float64Array {
  const factor = matrix.slice(); // lower triangle
  for (let j = 0; j < n; j++) {
    for (let i = 0; i <= j; i++) {
      let sum = factor[j * n + i]!;
      for (let k = 0; k < i; k++) sum -= factor[j * n + k]! * factor[i * n + k]!;
      // Rounding may leave nothing of a column that depends on others; the smallest share of the diagonal replaces it.
      if (i === j) factor[j * n + j] = Math.sqrt(Math.max(sum, matrix[j * n + j]! * 1e-14, Number.MIN_VALUE));
      else factor[j * n + i] = sum / factor[i * n + i]!;
    }
  }
  // Row i of `root` is column i of the factor's inverse, which is zero before i.
  const root = new Float64Array(n * n);
  for (let i = 0; i < n; i++) {
    root[i * n + i] = 1 / factor[i * n + i]!;
    for (let j = i + 1; j < n; j++) {
      let sum = 0;
      for (let k = i; k < j; k++) sum -= factor[j * n + k]! * root[i * n + k]!;
      root[i * n + j] = sum / factor[j * n + j]!;
    }
  }
  const result = new Float64Array(n * n);
  for (let i = 0; i < n; i++) {
    for (let j = 0; j <= i; j++) {
      let sum = 0;
      for (let k = i; k < n; k++) sum += root[i * n + k]! * root[j * n + k]!;
      result[i * n + j] = sum;
      result[j * n + i] = sum;
    }
  }
  return result;
}
