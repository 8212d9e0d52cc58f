import { EvaluationError } from '../error';
import { dimensions, type Features } from '../features';

/** Feature rows as they come: all at once, or in blocks of any number of rows. */
export type FeatureBlocks = Features | Iterable<Features> | AsyncIterable<Features>;

/** Some rows of a matrix, as they are. */
export interface Tile {
  /** (rows, columns); rows from `count` on are 0. The next tile may be written over it. */
  readonly data: Float32Array;
  /** Number of its first row in the whole. */
  readonly start: number;
  /** Rows that belong to the whole. */
  readonly count: number;
}

const isFeatures = (blocks: FeatureBlocks): blocks is Features => 'data' in blocks;

/** Rows of the whole, where that is known beforehand. */
export const rowsOf = (blocks: FeatureBlocks): number | undefined => (isFeatures(blocks) ? blocks.shape[0] : undefined);

/**
 * All rows in tiles of `rows`.
 *
 * @throws EvaluationError when a block has not `columns` columns
 */
export async function* tilesOf(
  blocks: FeatureBlocks,
  { rows, columns, name }: { readonly rows: number; readonly columns: number; readonly name: string },
): AsyncGenerator<Tile> {
  const gathered = new Float32Array(rows * columns);
  let start = 0;
  let count = 0;
  for await (const block of isFeatures(blocks) ? [blocks] : blocks) {
    const [blockRows, blockColumns] = dimensions(block, name);
    if (blockColumns !== columns) {
      throw new EvaluationError(
        `queries have ${columns} columns and ${name} has ${blockColumns}; both must come from the same model`,
      );
    }
    for (let from = 0; from < blockRows; ) {
      const taken = Math.min(rows - count, blockRows - from);
      const part = block.data.subarray(from * columns, (from + taken) * columns);
      from += taken;
      if (taken === rows) {
        yield { data: part, start, count: rows };
        start += rows;
        continue;
      }
      gathered.set(part, count * columns);
      count += taken;
      if (count === rows) {
        yield { data: gathered, start, count };
        start += count;
        count = 0;
      }
    }
  }
  if (count > 0) yield { data: gathered.fill(0, count * columns), start, count };
}
