import { scaleRows } from '../features';
import { breathe } from './breathe';
import type { Searcher } from './neighbours';
import { TopRows } from './top-rows';

// A tile of the database (1024 rows of a ViT-S) and a group of queries stay in the L2 cache.
const TILE_ROWS = 1024;
const QUERY_GROUP = 8;

interface Job {
  /** (queries, columns), of length 1. */
  readonly queries: Float32Array;
  readonly columns: number;
  readonly k: number;
  /** Rows of the database, where known. */
  readonly rows: number | undefined;
}

/** A search in plain TypeScript, on one thread. */
export function plainSearcher({ queries, columns, k, rows }: Job): Searcher {
  const count = queries.length / columns;
  const top = new TopRows(count, k, rows);
  const rowsOfTile = new Float32Array(TILE_ROWS * columns);
  const pause = breathe();
  return {
    tileRows: TILE_ROWS,
    async add(tile) {
      scaleRows(tile.data, rowsOfTile, { rows: tile.count, columns, first: tile.start, name: 'database' });
      for (let first = 0; first < count; first += QUERY_GROUP) {
        const end = Math.min(first + QUERY_GROUP, count);
        for (let query = first; query < end; query++) {
          for (let row = 0; row < tile.count; row++) {
            const similarity = dot(queries, query * columns, rowsOfTile, row * columns, columns);
            top.offer(query, tile.start + row, Math.fround(similarity));
          }
        }
        await pause();
      }
    },
    finish: async () => top.finish(),
    dispose: () => undefined,
  };
}

// Four running sums let the processor overlap the additions.
function dot(a: Float32Array, startA: number, b: Float32Array, startB: number, length: number): number {
  let sum0 = 0;
  let sum1 = 0;
  let sum2 = 0;
  let sum3 = 0;
  let i = 0;
  for (; i + 3 < length; i += 4) {
    sum0 += a[startA + i]! * b[startB + i]!;
    sum1 += a[startA + i + 1]! * b[startB + i + 1]!;
    sum2 += a[startA + i + 2]! * b[startB + i + 2]!;
    sum3 += a[startA + i + 3]! * b[startB + i + 3]!;
  }
  for (; i < length; i++) sum0 += a[startA + i]! * b[startB + i]!;
  return sum0 + sum1 + (sum2 + sum3);
}
