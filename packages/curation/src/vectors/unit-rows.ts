import { CurationError } from '../error';

interface RowBlock {
  readonly columns: number;
  /** Number of the first row, for messages. */
  readonly first: number;
  readonly name: string;
}

/**
 * Scale rows to length 1, in place.
 *
 * @throws CurationError on a row that holds NaN or an infinity, and on one of zeros, which has no direction
 */
export function unitRows(data: Float32Array, { columns, first, name }: RowBlock): void {
  for (let start = 0; start < data.length; start += columns) {
    const end = start + columns;
    // Four running sums let the processor overlap the additions.
    let [sum0, sum1, sum2, sum3] = [0, 0, 0, 0];
    let i = start;
    for (; i + 3 < end; i += 4) {
      sum0 += data[i]! * data[i]!;
      sum1 += data[i + 1]! * data[i + 1]!;
      sum2 += data[i + 2]! * data[i + 2]!;
      sum3 += data[i + 3]! * data[i + 3]!;
    }
    for (; i < end; i++) sum0 += data[i]! * data[i]!;
    const square = sum0 + sum1 + (sum2 + sum3);
    if (!(square > 0 && square < Infinity)) {
      const row = first + start / columns;
      throw new CurationError(
        square === 0
          ? `row ${row} of ${name} is all zeros and has no cosine with anything; leave it out`
          : `row ${row} of ${name} is not finite; check the model that made it, or leave it out`,
      );
    }
    const scale = 1 / Math.sqrt(square);
    for (let j = start; j < end; j++) data[j] = data[j]! * scale;
  }
}
