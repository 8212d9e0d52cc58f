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

/**
 * Rows scaled to length 1: x / max(‖x‖, 1e-12), as a copy.
 * Throws on a row that holds NaN or an infinity, which would make every comparison with it false.
 */
export function unitRows(features: Features, name: string): Float32Array {
  const [rows, columns] = dimensions(features, name);
  const result = new Float32Array(features.data.length);
  for (let row = 0; row < rows; row++) {
    const start = row * columns;
    let sum = 0;
    for (let i = start; i < start + columns; i++) sum += features.data[i]! ** 2;
    if (!Number.isFinite(sum)) {
      throw new EvaluationError(
        `row ${row} of ${name} is not finite; check the model that made these features for a diverged run`,
      );
    }
    const scale = 1 / Math.max(Math.sqrt(sum), 1e-12);
    for (let i = start; i < start + columns; i++) result[i] = features.data[i]! * scale;
  }
  return result;
}
