import type { Table } from '@lancedb/lancedb';
import { CurationError } from '../error';
import { unitRows } from '../vectors/unit-rows';
import type { Vectors } from '../vectors/vectors';
import { type JoinProgress, stageProgress } from './progress';
import { ahead } from './unit-blocks';

const TABLE = 'vectors';
const COLUMN = 'vector';
/** Rows that are added at a time: each addition is a version of the table. */
const BLOCK_ROWS = 8192;
/** Rows from which partitions are sooner searched than all rows. */
const SMALLEST_INDEX = 4096;

/** A row of the index and its cosine with the query. */
export interface Neighbour {
  readonly row: number;
  readonly similarity: number;
}

export interface NearestOptions {
  /** 64 by default. */
  readonly k?: number;
  /** Cosine that neighbours exceed; any by default. */
  readonly threshold?: number;
  /** Partitions that are searched, 32 by default; recall of edges grows with them. */
  readonly probes?: number;
}

export interface ExtendOptions {
  readonly onProgress?: (progress: JoinProgress) => void;
  readonly signal?: AbortSignal;
}

/** An index on disk for looking up single images in an old set. For all images of a set there is `joinNeighbours`. */
export interface LanceIndex {
  /** Rows in the index. */
  rows(): Promise<number>;
  /**
   * Add the rows that the index does not have yet: those of `vectors` from number {@link rows} on. An index that was
   * left half way goes on from there.
   *
   * @throws CurationError when columns differ, when there are fewer rows than in the index, or a row is not finite or all zeros
   */
  extend(vectors: Vectors, options?: ExtendOptions): Promise<void>;
  /**
   * The rows most similar to a vector, by cosine, descending. Approximate: those of the nearest partitions. Rows that were
   * added since the partitions were made are found too.
   *
   * @throws CurationError when the vector has other columns, is not finite or is all zeros
   */
  nearest(vector: Float32Array, options?: NearestOptions): Promise<Neighbour[]>;
  close(): void;
}

/**
 * Open an index kept in LanceDB, or begin one: a table of rows of length 1 with an IVF_FLAT index by cosine.
 *
 * @param folder - local, or `s3://`, `gs://`
 * @throws CurationError when `@lancedb/lancedb` is not installed, or the folder holds another table
 */
export async function openLanceIndex(folder: string): Promise<LanceIndex> {
  const { connect, Index, makeArrowTable } = await import('@lancedb/lancedb').catch((cause: Error) => {
    throw new CurationError('an index for look-ups needs LanceDB, which is not installed; run `npm install @lancedb/lancedb`', { cause });
  });
  const connection = await connect(folder);
  let table: Table | undefined = (await connection.tableNames()).includes(TABLE) ? await connection.openTable(TABLE) : undefined;
  let columns = table && (await columnsOf(table, folder));
  const rows = async () => (await table?.countRows()) ?? 0;

  const checkColumns = (given: number, what: string) => {
    if (columns !== undefined && given !== columns) throw new CurationError(`${what} has ${given} columns and the index in ${folder} has ${columns}; both must come from the same model`);
  };

  /** Put the rows into partitions, or those that are in none yet. */
  const arrange = async (opened: Table, total: number) => {
    if ((await opened.listIndices()).length > 0) await opened.optimize();
    else if (total >= SMALLEST_INDEX) {
      await opened.createIndex(COLUMN, { config: Index.ivfFlat({ distanceType: 'cosine', numPartitions: Math.round(Math.sqrt(total)) }) });
    }
  };

  return {
    rows,
    async extend(vectors, { onProgress, signal } = {}) {
      checkColumns(vectors.columns, 'the set');
      const present = await rows();
      if (vectors.rows < present) throw new CurationError(`the set has ${vectors.rows} rows and the index in ${folder} has ${present}; it can only grow`);
      const progress = stageProgress('index', vectors.rows - present, onProgress);
      const starts = Array.from({ length: Math.ceil((vectors.rows - present) / BLOCK_ROWS) }, (_, i) => present + i * BLOCK_ROWS);
      const blocks = ahead(starts.map((first) => async () => ({ first, data: await vectors.read(first, Math.min(BLOCK_ROWS, vectors.rows - first)) })));
      for await (const { first, data } of blocks) {
        signal?.throwIfAborted();
        unitRows(data, { columns: vectors.columns, first, name: 'the set' });
        const count = data.length / vectors.columns;
        const part = makeArrowTable(
          Array.from({ length: count }, (_, i) => ({ row: first + i, [COLUMN]: data.subarray(i * vectors.columns, (i + 1) * vectors.columns) })),
        );
        if (table) await table.add(part);
        else table = await connection.createTable(TABLE, part);
        columns = vectors.columns;
        progress(first + count - present);
      }
      if (table && vectors.rows > present) await arrange(table, vectors.rows);
    },
    async nearest(vector, { k = 64, threshold = -Infinity, probes = 32 } = {}) {
      for (const [name, value] of Object.entries({ k, probes })) {
        if (!Number.isInteger(value) || value < 1) throw new CurationError(`${name} is ${value}; pass a whole number of at least 1`);
      }
      checkColumns(vector.length, 'the vector');
      if (!table) return [];
      const query = vector.slice();
      unitRows(query, { columns: query.length, first: 0, name: 'the query' });
      const search = table.query().nearestTo(query).distanceType('cosine').nprobes(probes).select(['row', '_distance']).limit(k);
      // Cosine distance is 1 − cos, and the upper bound itself is outside.
      const found: { row: number; _distance: number }[] = await (threshold === -Infinity ? search : search.distanceRange(undefined, 1 - threshold)).toArray();
      return found
        .map(({ row, _distance }) => ({ row, similarity: Math.min(1, 1 - _distance) }))
        .sort((a, b) => b.similarity - a.similarity || a.row - b.row);
    },
    close() {
      table?.close();
      connection.close();
    },
  };
}

async function columnsOf(table: Table, folder: string): Promise<number> {
  const { fields } = await table.schema();
  const { listSize } = (fields.find(({ name }) => name === COLUMN)?.type ?? {}) as { readonly listSize?: number };
  if (listSize === undefined || !fields.some(({ name }) => name === 'row')) {
    throw new CurationError(`the table "${TABLE}" in ${folder} is no index of this program; choose another folder`);
  }
  return listSize;
}
