import type { Engine } from '@dinov2/jit';
import type { Vectors } from '../vectors/vectors';
import type { TopLists } from './top-lists';
import type { RowBlock } from './unit-blocks';

/** Compares queries with the rows of a database. */
export interface Comparer {
  /**
   * Fill the lists of queries with positions of the database.
   *
   * @param queries - (n, columns), of length 1: those that the lists began with
   * @param onDone - told the share of the work that is done
   */
  compare(lists: TopLists, queries: Float32Array, onDone: (share: number) => void): Promise<void>;
  /** The row at a position. */
  rowAt(position: number): number;
}

/** What comparisons need besides vectors. */
export interface Context {
  readonly engine: Engine;
  readonly signal?: AbortSignal;
}

export const counting = (count: number): Int32Array => Int32Array.from({ length: count }, (_, i) => i);

/**
 * Compares every query with every row.
 *
 * @param blocks - reads the rows, of length 1
 */
export function exactComparer(database: Vectors, blocks: () => AsyncIterable<RowBlock>, { signal }: Context): Comparer {
  return {
    async compare(lists, queries, onDone) {
      const all = counting(queries.length / database.columns);
      for await (const { data, first, count } of blocks()) {
        signal?.throwIfAborted();
        await lists.add(data, first, all);
        onDone((first + count) / database.rows);
      }
    },
    rowAt: (position) => position,
  };
}
