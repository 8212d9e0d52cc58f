import { logisticModule } from './module';

interface Kernel {
  multiply(a: number, b: number, rows: number, columns: number, steps: number, result: number): void;
  inverse(matrix: number, root: number, n: number): void;
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
  // The inverse needs two matrices beside its panels, at times when there is no result.
  const end = resultAt + Math.max(wide(rows) * wide(width), 2 * width * width) * 8;
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
    set(matrix) {
      const target = new Float64Array(memory.buffer, resultAt, width * width);
      target.set(matrix);
      kernel.inverse(resultAt, resultAt + width * width * 8, width);
      load(target, width, matrixAt);
    },
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
