import { statSync } from 'node:fs';
import { join } from 'node:path';
import type * as DuckDB from '@duckdb/node-api';
import { CurationError } from '../error';

/** A row of an answer: whole numbers as numbers where these hold them, else as BigInt. */
export type Row = Readonly<Record<string, unknown>>;

/**
 * Ask a question in SQL about tables: Parquet files, or folders of `part-….parquet` files, each under a name of yours.
 * DuckDB answers, which is installed only by those who want it.
 *
 * @throws CurationError when DuckDB is not installed, a table is missing, or DuckDB refuses the question
 *
 * @example
 * ```ts
 * await query('SELECT reason, count(*) AS images FROM decisions GROUP BY reason', { decisions: 'run/steps/02-exact/decisions.parquet' });
 * ```
 */
export async function query(sql: string, tables: Readonly<Record<string, string>> = {}): Promise<Row[]> {
  const { DuckDBInstance } = await loadDuckDB();
  const instance = await DuckDBInstance.create(':memory:');
  const connection = await instance.connect();
  try {
    for (const [name, path] of Object.entries(tables)) {
      await connection.run(`CREATE VIEW "${name.replaceAll('"', '""')}" AS SELECT * FROM read_parquet('${pattern(path).replaceAll("'", "''")}')`);
    }
    const reader = await connection.runAndReadAll(sql);
    return reader.getRowObjectsJS().map((row) => Object.fromEntries(Object.entries(row).map(([name, value]) => [name, plain(value)])));
  } catch (cause) {
    if (cause instanceof CurationError) throw cause;
    throw new CurationError(`DuckDB cannot answer: ${(cause as Error).message}`, { cause });
  } finally {
    connection.closeSync();
    instance.closeSync();
  }
}

async function loadDuckDB(): Promise<typeof DuckDB> {
  try {
    return await import('@duckdb/node-api');
  } catch (cause) {
    throw new CurationError('SQL needs DuckDB, which is not installed; run `npm install @duckdb/node-api`', { cause });
  }
}

function pattern(path: string): string {
  const stats = statSync(path, { throwIfNoEntry: false });
  if (stats === undefined) throw new CurationError(`${path} is not there; pass a Parquet file or a folder of part-….parquet files`);
  return stats.isDirectory() ? join(path, 'part-*.parquet') : path;
}

/** Whole numbers as numbers where these hold them exactly, within lists and structs too. */
function plain(value: unknown): unknown {
  if (typeof value === 'bigint') return value >= Number.MIN_SAFE_INTEGER && value <= Number.MAX_SAFE_INTEGER ? Number(value) : value;
  if (Array.isArray(value)) return value.map(plain);
  if (value !== null && typeof value === 'object' && Object.getPrototypeOf(value) === Object.prototype) {
    return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, plain(inner)]));
  }
  return value;
}
