import { EvaluationError } from '../error';

/** One score per row and class, row-major: `shape` is (rows, classes). The highest one is the prediction. */
export interface Scores {
  readonly data: Float32Array | Float64Array;
  readonly shape: readonly number[];
}

/** Rows and classes. Throws when `shape` and `data` do not fit together. */
export function scoreDimensions({ data, shape }: Scores): [rows: number, classes: number] {
  const [rows, classes] = shape;
  if (shape.length !== 2 || rows === undefined || classes === undefined || rows * classes !== data.length || data.length === 0) {
    throw new EvaluationError(`scores have shape (${shape.join(', ')}) and hold ${data.length} numbers; expected (rows, classes) with at least one of each`);
  }
  return [rows, classes];
}

/**
 * The class with the highest score of each row, (rows,); of equal ones the first.
 * A row with a score that is not a number is predicted as -1, which no label is.
 *
 * @throws EvaluationError when `shape` and `data` do not fit together.
 */
export function predictedClasses(scores: Scores): Int32Array {
  const [rows, classes] = scoreDimensions(scores);
  return Int32Array.from({ length: rows }, (_, row) => {
    let best = 0;
    for (let c = 0; c < classes; c++) {
      const score = scores.data[row * classes + c]!;
      if (Number.isNaN(score)) return -1;
      if (score > scores.data[row * classes + best]!) best = c;
    }
    return best;
  });
}

/** How many classes come before `label` in the order of scores of a row: higher ones, and equal ones with a smaller number. */
export function rankOf({ data }: Scores, row: number, classes: number, label: number): number {
  const own = data[row * classes + label]!;
  let rank = 0;
  for (let c = 0; c < classes; c++) {
    const score = data[row * classes + c]!;
    if (Number.isNaN(score)) return classes;
    if (score > own || (score === own && c < label)) rank++;
  }
  return rank;
}
