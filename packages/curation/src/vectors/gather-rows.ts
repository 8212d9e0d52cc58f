import { CurationError } from '../error';
import type { Vectors } from './vectors';

/** Unwanted rows that are read rather than starting another read. */
const LARGEST_GAP = 16;
/** Rows of one read at most. */
const LONGEST_RUN = 4096;

/** {@link Vectors.gather} by {@link Vectors.read}: neighbouring rows are read together, in order of row number. */
export async function gatherRows({ rows: total, columns, read }: Pick<Vectors, 'rows' | 'columns' | 'read'>, rows: Uint32Array): Promise<Float32Array> {
  const beyond = rows.find((row) => row >= total);
  if (beyond !== undefined) throw new CurationError(`row ${beyond} was asked for of vectors with rows 0 to ${total - 1}`);
  const order = Uint32Array.from(rows.keys()).sort((a, b) => rows[a]! - rows[b]!);
  const gathered = new Float32Array(rows.length * columns);
  for (let at = 0; at < order.length; ) {
    const first = rows[order[at]!]!;
    let end = at + 1;
    let last = first;
    for (; end < order.length; end++) {
      const row = rows[order[end]!]!;
      if (row - last > LARGEST_GAP || row - first >= LONGEST_RUN) break;
      last = row;
    }
    const run = await read(first, last - first + 1);
    for (; at < end; at++) {
      const place = order[at]!;
      const from = (rows[place]! - first) * columns;
      gathered.set(run.subarray(from, from + columns), place * columns);
    }
  }
  return gathered;
}
