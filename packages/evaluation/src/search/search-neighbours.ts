import type { Engine } from '@dinov2/jit';
import { EvaluationError } from '../error';
import { dimensions, type Features, unitRows } from '../features';
import { engineSearcher } from './engine-searcher';
import type { Neighbours } from './neighbours';
import { plainSearcher } from './plain-searcher';
import { type FeatureBlocks, rowsOf, tilesOf } from './tiles';

export interface SearchProgress {
  /** Database rows that all queries have been compared with. */
  readonly rows: number;
  /** Rows of the database, where they are known. */
  readonly total?: number;
  readonly rowsPerSecond: number;
  readonly secondsLeft?: number;
}

export interface SearchOptions {
  /** Computes the products; without it, plain TypeScript on one thread does. */
  readonly engine?: Engine;
  readonly onProgress?: (progress: SearchProgress) => void;
  readonly signal?: AbortSignal;
}

/**
 * The `k` rows of `database` (M, D) most similar to each row of `queries` (N, D), by cosine. Exact.
 *
 * The database is read once, in tiles; the (N, M) matrix of similarities never exists. A database that does not
 * fit into memory may come as an iterable of blocks; rows are then numbered through all blocks.
 *
 * With an engine, similarities are sums of the same products in another order: they differ from the plain ones by
 * float32 rounding (about 1e-7), and rows closer than that may change places. Equal rows have equal similarities
 * either way, and stand in order of row number.
 *
 * @throws EvaluationError when the widths differ, when `k` is not between 1 and M, or when a row is not finite.
 */
export async function searchNeighbours(
  queries: Features,
  database: FeatureBlocks,
  k: number,
  { engine, onProgress, signal }: SearchOptions = {},
): Promise<Neighbours> {
  const [count, columns] = dimensions(queries, 'queries');
  const total = rowsOf(database);
  checkNeighbours(k, total);
  const job = { queries: unitRows(queries, 'queries'), columns, k, rows: total };
  if (count === 0) return { indices: new Int32Array(0), similarities: new Float32Array(0), k };
  const searcher = engine ? engineSearcher({ ...job, engine }) : plainSearcher(job);
  const begin = performance.now();
  let rows = 0;
  try {
    for await (const tile of tilesOf(database, { rows: searcher.tileRows, columns, name: 'database' })) {
      signal?.throwIfAborted();
      await searcher.add(tile);
      rows += tile.count;
      const rowsPerSecond = (1000 * rows) / (performance.now() - begin);
      onProgress?.({ rows, total, rowsPerSecond, secondsLeft: total === undefined ? undefined : (total - rows) / rowsPerSecond });
    }
    checkNeighbours(k, rows);
    return await searcher.finish();
  } finally {
    searcher.dispose();
  }
}

function checkNeighbours(k: number, rows: number | undefined): void {
  if (Number.isInteger(k) && k >= 1 && (rows === undefined || k <= rows)) return;
  const limit = rows === undefined ? 'the database rows' : `the ${rows} database rows`;
  throw new EvaluationError(`k is ${k}; expected a whole number between 1 and ${limit}`);
}
