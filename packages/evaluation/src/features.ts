import { EvaluationError } from './error';

/** One feature vector per row, row-major. `shape` is (rows, columns). */
export interface Features {
  readonly data: Float32Array;
  readonly shape: readonly number[];
}

/** Rows and columns of a feature matrix. Throws when `shape` and `data` do not fit together. */
export function dimensions(features: Features, name: string): [rows: number, columns: number] {
  const [rows, columns] = features.shape;
  if (features.shape.length !== 2 || rows === undefined || columns === undefined) {
    throw new EvaluationError(
      `${name} has shape (${features.shape.join(', ')}); expected two dimensions, (rows, columns)`,
    );
  }
  if (rows * columns !== features.data.length) {
    throw new EvaluationError(
      `${name} has shape (${rows}, ${columns}) but holds ${features.data.length} numbers`,
    );
  }
  return [rows, columns];
}

interface RowRange {
  readonly rows: number;
  readonly columns: number;
  /** Number of the first of them, for messages. */
  readonly first: number;
  readonly name: string;
}

/**
 * Rows scaled to length 1: x / max(‖x‖, 1e-12), as a copy.
 * Throws on a row that holds NaN or an infinity, which would make every comparison with it false.
 */
export function unitRows(features: Features, name: string): Float32Array {
  const [rows, columns] = dimensions(features, name);
  const result = new Float32Array(features.data.length);
  scaleRows(features.data, result, { rows, columns, first: 0, name });
  return result;
}

/** Write rows of `from`, scaled to length 1, to `to`, as {@link unitRows}. */
export function scaleRows(from: Float32Array, to: Float32Array, { rows, columns, first, name }: RowRange): void {
  for (let row = 0; row < rows; row++) {
    const start = row * columns;
    const end = start + columns;
    // Four running sums let the processor overlap the additions.
    let sum0 = 0;
    let sum1 = 0;
    let sum2 = 0;
    let sum3 = 0;
    let i = start;
    for (; i + 3 < end; i += 4) {
      sum0 += from[i]! * from[i]!;
      sum1 += from[i + 1]! * from[i + 1]!;
      sum2 += from[i + 2]! * from[i + 2]!;
      sum3 += from[i + 3]! * from[i + 3]!;
    }
    for (; i < end; i++) sum0 += from[i]! * from[i]!;
    const square = sum0 + sum1 + (sum2 + sum3);
    if (!Number.isFinite(square)) {
      throw new EvaluationError(
        `row ${first + row} of ${name} is not finite; check the model that made these features for a diverged run`,
      );
    }
    const scale = 1 / Math.max(Math.sqrt(square), 1e-12);
    for (let j = start; j < end; j++) to[j] = from[j]! * scale;
  }
}
