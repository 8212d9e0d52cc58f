import { CurationError } from '../error';
import { checkRange } from './check-range';
import type { Vectors } from './vectors';

/**
 * Vectors over an array, which is not copied: a later change of it changes the rows.
 *
 * @param data - (rows, columns), row-major
 * @throws CurationError when `data` is not a whole number of rows
 */
export function memoryVectors(data: Float32Array, columns: number): Vectors {
  if (!Number.isInteger(columns) || columns < 1) throw new CurationError(`vectors of ${columns} columns; pass a whole number of at least 1`);
  if (data.length % columns !== 0) {
    throw new CurationError(`${data.length} numbers are not rows of ${columns} columns: ${data.length % columns} are left over`);
  }
  const rows = data.length / columns;
  return {
    rows,
    columns,
    async read(first, count) {
      checkRange(first, count, rows, 'an array');
      return data.slice(first * columns, (first + count) * columns);
    },
    async gather(wanted) {
      const gathered = new Float32Array(wanted.length * columns);
      wanted.forEach((row, i) => {
        checkRange(row, 1, rows, 'an array');
        gathered.set(data.subarray(row * columns, (row + 1) * columns), i * columns);
      });
      return gathered;
    },
    close: async () => {},
  };
}
