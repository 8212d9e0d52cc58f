import { CurationError } from '../error';
import type { Vectors } from '../vectors/vectors';

/** How far apart two rows are: by the angle between them, or by the length of their difference. */
export type Metric = 'cosine' | 'euclidean';

/**
 * Vectors as distances want them: rows of length 1 by cosine; by euclidean distance less `origin`, a point amid them,
 * so that float32 products keep the digits of their differences.
 *
 * Reading throws CurationError at a row that is not finite or, by cosine, is all zeros.
 */
export function comparable(vectors: Vectors, metric: Metric, origin: Float32Array): Vectors {
  const { rows, columns } = vectors;
  const prepare = (data: Float32Array, number: (row: number) => number): Float32Array => {
    for (let at = 0, row = 0; at < data.length; at += columns, row++) {
      if (metric === 'euclidean') for (let i = 0; i < columns; i++) data[at + i]! -= origin[i]!;
      const square = squaredLength(data, at, columns);
      if (!(square < Infinity)) throw new CurationError(`row ${number(row)} holds NaN or an infinity; remove it before clustering`);
      if (metric === 'euclidean') continue;
      if (square === 0) throw new CurationError(`row ${number(row)} is all zeros and has no direction; remove it, or cluster by euclidean distance`);
      const scale = 1 / Math.sqrt(square);
      for (let i = at; i < at + columns; i++) data[i]! *= scale;
    }
    return data;
  };
  return {
    rows,
    columns,
    read: async (first, count) => prepare(await vectors.read(first, count), (row) => first + row),
    gather: async (wanted) => prepare(await vectors.gather(wanted), (row) => wanted[row]!),
    close: async () => {},
  };
}

/** ‖x‖² of the row that begins at `at`. */
export function squaredLength(rows: Float32Array, at: number, columns: number): number {
  // Two running sums let the processor overlap the additions.
  let square0 = 0;
  let square1 = 0;
  const end = at + columns;
  let i = at;
  for (; i + 1 < end; i += 2) {
    square0 += rows[i]! * rows[i]!;
    square1 += rows[i + 1]! * rows[i + 1]!;
  }
  return i < end ? square0 + square1 + rows[i]! * rows[i]! : square0 + square1;
}

/**
 * ‖x − c‖² from ‖x‖² and the score of NearestRows, which is float32: distances below a thousandth of the row's
 * length have no digits and count as 0.
 */
export function squareOfScore(squaredLength: number, score: number, metric: Metric): number {
  const square = squaredLength - 2 * score + (metric === 'cosine' ? 1 : 0);
  return square > 1e-6 * squaredLength ? square : 0;
}
