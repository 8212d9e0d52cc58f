import type { Tile } from './tiles';

/** The nearest database rows of each query, most similar first. */
export interface Neighbours {
  /** (queries, k) row numbers of the database. */
  readonly indices: Int32Array;
  /** (queries, k) cosine similarities, descending. Equal ones are in order of row number. */
  readonly similarities: Float32Array;
  readonly k: number;
}

/** Compares tiles of a database with the queries it was made for, one after the other. */
export interface Searcher {
  /** Rows that a tile holds. */
  readonly tileRows: number;
  /** @throws EvaluationError when a row is not finite */
  add(tile: Tile): Promise<void>;
  finish(): Promise<Neighbours>;
  dispose(): void;
}
