import type { Vectors } from '../vectors/vectors';
import { dotRows, gatherUnitRows, rowsAtATime } from './gather-unit-rows';

/** Two rows and their cosine. */
export interface Pair {
  readonly from: number;
  readonly to: number;
  readonly similarity: number;
}

/** Cosine of row `a[i]` and row `b[i]` for each i; 1 for a row with itself. */
export async function cosines(vectors: Vectors, a: Uint32Array, b: Uint32Array): Promise<Float32Array> {
  const result = new Float32Array(a.length);
  const most = rowsAtATime(vectors);
  for (let first = 0; first < a.length; first += most) {
    const rows = a.subarray(first, first + most);
    const others = b.subarray(first, first + most);
    const x = await gatherUnitRows(vectors, rows);
    const y = await gatherUnitRows(vectors, others);
    rows.forEach((row, i) => {
      result[first + i] = row === others[i] ? 1 : dotRows(x, i, y, i, vectors.columns);
    });
  }
  return result;
}

/** The least similar two of some rows, by comparing all. */
export async function weakestPair(vectors: Vectors, rows: Uint32Array): Promise<Pair> {
  const unit = await gatherUnitRows(vectors, rows);
  let weakest: Pair = { from: rows[0]!, to: rows[0]!, similarity: 1 };
  for (let i = 0; i < rows.length; i++) {
    for (let j = i + 1; j < rows.length; j++) {
      const similarity = dotRows(unit, i, unit, j, vectors.columns);
      if (similarity < weakest.similarity) weakest = { from: rows[i]!, to: rows[j]!, similarity };
    }
  }
  return weakest;
}
