import { EvaluationError } from './error';
import { dimensions, unitRows, type Features } from './features';

/** The nearest database rows of each query, most similar first. */
export interface Neighbours {
  /** (queries, k) row numbers of the database. */
  readonly indices: Int32Array;
  /** (queries, k) cosine similarities, descending. Equal ones are in order of row number. */
  readonly similarities: Float32Array;
  readonly k: number;
}

// A tile of the database (1024 rows of a ViT-S) and a group of queries stay in the L2 cache.
const DATABASE_TILE = 1024;
const QUERY_TILE = 8;

/**
 * The `k` rows of `database` (M, D) most similar to each row of `queries` (N, D), by cosine.
 * Works through tiles, so the (N, M) matrix of similarities never exists.
 *
 * @throws EvaluationError when the widths differ, when `k` is not between 1 and M, or when a row is not finite.
 */
export function cosineNeighbours(queries: Features, database: Features, k: number): Neighbours {
  const [queryRows, columns] = dimensions(queries, 'queries');
  const [databaseRows, databaseColumns] = dimensions(database, 'database');
  if (columns !== databaseColumns) {
    throw new EvaluationError(
      `queries have ${columns} columns and database has ${databaseColumns}; both must come from the same model`,
    );
  }
  if (!Number.isInteger(k) || k < 1 || k > databaseRows) {
    throw new EvaluationError(`k is ${k}; expected a whole number between 1 and the ${databaseRows} database rows`);
  }
  const unitQueries = unitRows(queries, 'queries');
  const unitDatabase = unitRows(database, 'database');
  const indices = new Int32Array(queryRows * k);
  const similarities = new Float32Array(queryRows * k).fill(-Infinity);

  for (let firstQuery = 0; firstQuery < queryRows; firstQuery += QUERY_TILE) {
    const endQuery = Math.min(firstQuery + QUERY_TILE, queryRows);
    for (let first = 0; first < databaseRows; first += DATABASE_TILE) {
      const end = Math.min(first + DATABASE_TILE, databaseRows);
      for (let query = firstQuery; query < endQuery; query++) {
        const bottom = query * k + k - 1;
        for (let row = first; row < end; row++) {
          const similarity = Math.fround(dot(unitQueries, query * columns, unitDatabase, row * columns, columns));
          if (similarity > similarities[bottom]!) insert(indices, similarities, query * k, bottom, row, similarity);
        }
      }
    }
  }
  return { indices, similarities, k };
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

/** Insert into the descending list that ends at `bottom`, dropping its last entry. */
function insert(
  indices: Int32Array,
  similarities: Float32Array,
  top: number,
  bottom: number,
  row: number,
  similarity: number,
): void {
  let place = bottom;
  while (place > top && similarities[place - 1]! < similarity) {
    similarities[place] = similarities[place - 1]!;
    indices[place] = indices[place - 1]!;
    place--;
  }
  similarities[place] = similarity;
  indices[place] = row;
}
