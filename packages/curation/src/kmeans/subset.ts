import type { Vectors } from '../vectors/vectors';
import { memoryVectors } from '../vectors/memory-vectors';

/** A sample no larger than this is read once and kept. */
const LARGEST_KEPT = 512 * 2 ** 20;

/** Some rows of vectors, in the order given: kept in memory if they are few, else read as they are asked for. */
export async function subset(vectors: Vectors, rows: Uint32Array): Promise<Vectors> {
  const { columns } = vectors;
  if (rows.length * columns * Float32Array.BYTES_PER_ELEMENT <= LARGEST_KEPT) {
    return memoryVectors(await vectors.gather(rows), columns);
  }
  return {
    rows: rows.length,
    columns,
    read: (first, count) => vectors.gather(rows.subarray(first, first + count)),
    gather: (wanted) => vectors.gather(wanted.map((place) => rows[place]!)),
    close: async () => {},
  };
}
