import type { Vectors } from '../vectors/vectors';
import { type NearestRows, TILE_ROWS } from './nearest-rows';

/** Rows first … end − 1 of vectors. */
export interface RowRange {
  readonly first: number;
  readonly end: number;
}

/** Rows of a tile, with the nearest centroids of each. */
export interface NearestTile {
  /** (count, D) */
  readonly data: Float32Array;
  /** Number of the first row. */
  readonly first: number;
  readonly count: number;
  /** (at least count, depth) */
  readonly indices: Int32Array;
  readonly scores: Float32Array;
}

export interface PassOptions {
  /** Centroids that are found for each row; default 1. */
  readonly depth?: number;
  /** Rows that are read at once. */
  readonly blockRows?: number;
  readonly signal?: AbortSignal;
}

/** Rows of one read: 12 MiB of a ViT-S. */
export const BLOCK_ROWS = 8 * TILE_ROWS;

/** The nearest centroids of rows in a range, tile by tile; the vectors are read in blocks. */
export async function* nearestPass(
  vectors: Vectors,
  { first, end }: RowRange,
  nearest: NearestRows,
  { depth = 1, blockRows = BLOCK_ROWS, signal }: PassOptions = {},
): AsyncGenerator<NearestTile> {
  const { columns } = vectors;
  const padded = new Float32Array(TILE_ROWS * columns);
  for (let block = first; block < end; block += blockRows) {
    const rows = Math.min(blockRows, end - block);
    const read = await vectors.read(block, rows);
    for (let row = 0; row < rows; row += TILE_ROWS) {
      signal?.throwIfAborted();
      const count = Math.min(TILE_ROWS, rows - row);
      const data = read.subarray(row * columns, (row + count) * columns);
      let tile = data;
      if (count < TILE_ROWS) {
        padded.set(data);
        tile = padded.fill(0, data.length);
      }
      const { indices, scores } = await nearest.find(tile, depth);
      yield { data, first: block + row, count, indices, scores };
      // Kernels run on this thread: timers, sockets and a user's Ctrl+C get their turn.
      await new Promise<void>((resolve) => setImmediate(resolve));
    }
  }
}
