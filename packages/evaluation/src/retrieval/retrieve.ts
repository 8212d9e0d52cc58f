import type { Features } from '../features';
import { searchNeighbours, type SearchOptions } from '../search/search-neighbours';

export interface RetrieveOptions extends SearchOptions {
  /** Length of the lists. Default: all rows of the database. */
  readonly k?: number;
}

/** Ranked lists of database rows. */
export interface Retrieved {
  /** For each query: rows of the database, most similar first. */
  readonly ranks: readonly Int32Array[];
  /** For each query: cosine similarities of those rows. */
  readonly similarities: readonly Float32Array[];
}

/**
 * Rank the rows of `database` (M, D) by cosine similarity to each row of `queries` (N, D).
 *
 * @throws EvaluationError as {@link searchNeighbours}
 * @example
 * ```ts
 * const { ranks } = await retrieve(queries, database);
 * const { medium, hard } = revisitedRetrieval(ranks, truth);
 * ```
 */
export async function retrieve(queries: Features, database: Features, { k, ...options }: RetrieveOptions = {}): Promise<Retrieved> {
  const found = await searchNeighbours(queries, database, k ?? database.shape[0]!, options);
  const count = queries.shape[0]!;
  const lists = <List extends { subarray(from: number, to: number): List }>(all: List) =>
    Array.from({ length: count }, (_, query) => all.subarray(query * found.k, (query + 1) * found.k));
  return { ranks: lists(found.indices), similarities: lists(found.similarities) };
}
