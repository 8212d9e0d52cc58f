import { unitRows } from '../vectors/unit-rows';
import type { Vectors } from '../vectors/vectors';

/** Bytes of rows that are read at a time. */
const BLOCK_BYTES = 2 ** 25;

/** Rows of a block, a whole number of tiles where there are that many. */
export const blockRows = (columns: number): number => Math.max(1, Math.floor(BLOCK_BYTES / (4096 * columns))) * 1024;

export interface RowBlock {
  /** (count, columns). */
  readonly data: Float32Array;
  readonly first: number;
  readonly count: number;
}

/** Items of an iterable of promises, the next one under way while one is used. */
export async function* ahead<T>(promises: Iterable<() => Promise<T>>): AsyncGenerator<T> {
  let pending: Promise<T> | undefined;
  try {
    for (const start of promises) {
      const previous = pending;
      pending = start();
      // Its failure is thrown when it is awaited, if it ever is.
      pending.catch(() => {});
      if (previous) yield await previous;
    }
    if (pending) yield await pending;
  } finally {
    // The file must not be closed under a read.
    await pending?.catch(() => {});
  }
}

/** All rows as they are, in blocks. */
export async function* rowBlocks(vectors: Vectors): AsyncGenerator<RowBlock> {
  const rows = blockRows(vectors.columns);
  const starts = Array.from({ length: Math.ceil(vectors.rows / rows) }, (_, i) => i * rows);
  yield* ahead(
    starts.map((first) => async () => {
      const count = Math.min(rows, vectors.rows - first);
      return { data: await vectors.read(first, count), first, count };
    }),
  );
}

/** All rows scaled to length 1, in blocks. */
export async function* unitBlocks(vectors: Vectors, name: string): AsyncGenerator<RowBlock> {
  for await (const block of rowBlocks(vectors)) {
    unitRows(block.data, { columns: vectors.columns, first: block.first, name });
    yield block;
  }
}
