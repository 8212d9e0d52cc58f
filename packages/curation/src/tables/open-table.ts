import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { parquetScan, parquetSchema, type SchemaTree } from 'hyparquet';
import { CurationError } from '../error';
import { checkRange } from '../vectors/check-range';
import { type NumberArray, physicalTypes, type ScalarType } from './column-types';
import { ListPages, listPath } from './list-pages';
import { compressors, openParquetFile, type ParquetFile, sensibly } from './parquet-file';

/** Values of a column that were read: a typed array where numbers have no null, else an array with null. */
export type ColumnValues = NumberArray | (string | null)[] | (boolean | null)[] | (number | null)[] | (bigint | null)[] | ListValues;

/** Vectors that were read. */
export interface ListValues {
  /** D */
  readonly width: number;
  /** (rows, D) */
  readonly values: Float32Array;
}

/** Some rows of a table. */
export interface TableData {
  readonly rows: number;
  readonly columns: Readonly<Record<string, ColumnValues>>;
}

/** Which part of a table to read. */
export interface ReadOptions {
  /** Names of columns; all by default. */
  readonly columns?: readonly string[];
  /** First row; 0 by default. */
  readonly first?: number;
  /** Number of rows; all from `first` by default. */
  readonly count?: number;
}

/** A Parquet file, or a folder of them with the same columns, read in parts. */
export interface Table {
  readonly path: string;
  readonly rows: number;
  /** Names of its columns. */
  readonly names: readonly string[];
  /** Text that the (first) file keeps under names. */
  readonly metadata: Readonly<Record<string, string>>;
  /**
   * @throws CurationError when a column or row is not there, or the file is damaged
   */
  read(options?: ReadOptions): Promise<TableData>;
  /** The table in its order, `rows` rows at a time; 65,536 by default. */
  blocks(options?: { columns?: readonly string[]; rows?: number }): AsyncGenerator<TableData & { readonly first: number }, void>;
  close(): Promise<void>;
}

/**
 * The files of a table: itself, or a folder's `part-….parquet` in the order of their names.
 *
 * @throws CurationError when nothing is there
 */
export function tableFiles(path: string): string[] {
  const stats = statSync(path, { throwIfNoEntry: false });
  if (stats === undefined) throw new CurationError(`${path} is not there; pass a Parquet file or a folder of part-….parquet files`);
  if (!stats.isDirectory()) return [path];
  const parts = readdirSync(path)
    .filter((name) => /^part-.*\.parquet$/.test(name))
    .sort();
  if (parts.length === 0) throw new CurationError(`no part-….parquet files in ${path}; pass a Parquet file or a folder of such files`);
  return parts.map((name) => join(path, name));
}

/**
 * Open a Parquet file or a folder of parts. Snappy, gzip, brotli and plain files are read.
 *
 * @throws CurationError when a file is missing or damaged, or the columns of parts differ
 */
export async function openTable(path: string): Promise<Table> {
  const parts: ParquetFile[] = [];
  try {
    for (const file of tableFiles(path)) parts.push(await openParquetFile(file));
    const names = await sensibly(parts[0].path, () => columnNames(parts[0]));
    const other = parts.find((part) => columnNames(part).join('\0') !== names.join('\0'));
    if (other !== undefined) {
      throw new CurationError(`${other.path} has the columns ${columnNames(other).join(', ')}, ${parts[0].path} ${names.join(', ')}; parts must have the same`);
    }
    return new PartedTable(path, parts, names);
  } catch (error) {
    await Promise.all(parts.map((part) => part.close()));
    throw error;
  }
}

/**
 * Read a whole table, or some of its columns, into memory.
 *
 * @throws CurationError as {@link openTable} and {@link Table.read}
 */
export async function readTable(path: string, columns?: readonly string[]): Promise<TableData> {
  const table = await openTable(path);
  try {
    return await table.read({ columns });
  } finally {
    await table.close();
  }
}

const columnNames = ({ metadata }: ParquetFile): string[] => parquetSchema(metadata).children.map(({ element }) => element.name);
const rowsOf = ({ metadata }: ParquetFile): number => Number(metadata.num_rows);

class PartedTable implements Table {
  readonly rows: number;
  readonly metadata: Readonly<Record<string, string>>;

  constructor(
    readonly path: string,
    private readonly parts: readonly ParquetFile[],
    readonly names: readonly string[],
  ) {
    this.rows = parts.reduce((sum, part) => sum + rowsOf(part), 0);
    this.metadata = Object.fromEntries((parts[0].metadata.key_value_metadata ?? []).map(({ key, value }) => [key, value ?? '']));
  }

  async read({ columns = this.names, first = 0, count = this.rows - first }: ReadOptions = {}): Promise<TableData> {
    checkRange(first, count, this.rows, this.path);
    const missing = columns.find((name) => !this.names.includes(name));
    if (missing !== undefined) throw new CurationError(`${this.path} has no column "${missing}"; its columns are ${this.names.join(', ')}`);
    const read = Object.fromEntries(columns.map((name) => [name, [] as ColumnValues[]]));
    let start = 0;
    for (const part of this.parts) {
      const from = Math.max(first - start, 0);
      const to = Math.min(first + count - start, rowsOf(part));
      start += rowsOf(part);
      if (from >= to && this.parts.length > 1) continue;
      for (const name of columns) read[name].push(await sensibly(part.path, () => readColumn(part, name, from, Math.max(from, to))));
    }
    return { rows: count, columns: Object.fromEntries(columns.map((name) => [name, joined(read[name])])) };
  }

  async *blocks({ columns, rows = 65536 }: { columns?: readonly string[]; rows?: number } = {}): AsyncGenerator<TableData & { readonly first: number }, void> {
    for (let first = 0; first < this.rows; first += rows) {
      yield { first, ...(await this.read({ columns, first, count: Math.min(rows, this.rows - first) })) };
    }
  }

  async close(): Promise<void> {
    await Promise.all(this.parts.map((part) => part.close()));
  }
}

async function readColumn(file: ParquetFile, name: string, from: number, to: number): Promise<ColumnValues> {
  const root = parquetSchema(file.metadata);
  const column = root.children.find(({ element }) => element.name === name)!;
  if (listPath(root, column) !== undefined) {
    const pages = ListPages.open(file, name);
    const values = new Float32Array((to - from) * pages.width);
    if (to > from) await pages.read(from, to - from, values, 0);
    return { width: pages.width, values };
  }
  const type = scalarType(column);
  if (type === undefined) throw new CurationError(`column "${name}" of ${file.path} is of a kind that is not read here; use query() for it`);
  const scan = await parquetScan({ file, metadata: file.metadata, columns: [name], compressors });
  const parts: ArrayLike<unknown>[] = [];
  for (const { rowStart, rowEnd } of scan.ranges) {
    const [start, end] = [Math.max(from, rowStart), Math.min(to, rowEnd)];
    if (start < end) parts.push(await scan.readColumn({ column: name, rowStart: start, rowEnd: end }));
  }
  return columnOf(type, parts);
}

/** The kind of a column; undefined for structs, times and others that are not read here. */
function scalarType({ element, children }: SchemaTree): ScalarType | undefined {
  if (children.length > 0 || element.repetition_type === 'REPEATED') return undefined;
  const { type, converted_type: converted, logical_type: logical } = element;
  if (logical?.type === 'FLOAT16') return 'float32';
  if (type === 'BYTE_ARRAY' && (converted === undefined || converted === 'UTF8') && (logical === undefined || logical.type === 'STRING')) return 'string';
  const integer = logical?.type === 'INTEGER' ? (`${logical.isSigned ? 'INT' : 'UINT'}_${logical.bitWidth}`) : converted;
  const known = Object.entries(physicalTypes).find(([name, physical]) => physical.type === type && (physical.converted ?? signed(name)) === (integer ?? signed(name)));
  return known?.[0] as ScalarType | undefined;
}

const signed = (name: string) => (name === 'int32' ? 'INT_32' : name === 'int64' ? 'INT_64' : undefined);

function columnOf(type: ScalarType, parts: readonly ArrayLike<unknown>[]): ColumnValues {
  const { array: ArrayType } = physicalTypes[type];
  const values = parts.length === 1 ? parts[0] : parts.flatMap((part) => Array.from(part));
  if (ArrayType !== undefined && values instanceof ArrayType) return values;
  const nulls = Array.isArray(values) && values.some((value) => value === null || value === undefined);
  if (ArrayType === undefined || nulls) return Array.from(values, (value) => value ?? null) as ColumnValues;
  return new ArrayType(values as ArrayLike<never>);
}

/** The values of several parts of a column. */
function joined(parts: readonly ColumnValues[]): ColumnValues {
  if (parts.length === 1) return parts[0];
  if (parts.length === 0) return [];
  const [first] = parts;
  if ('width' in first) {
    const lists = parts as readonly ListValues[];
    const values = new Float32Array(lists.reduce((sum, part) => sum + part.values.length, 0));
    let offset = 0;
    for (const part of lists) {
      values.set(part.values, offset);
      offset += part.values.length;
    }
    return { width: Math.max(...lists.map(({ width }) => width)), values };
  }
  const arrays = parts as unknown as readonly ArrayLike<never>[];
  if (arrays.every((part) => ArrayBuffer.isView(part))) {
    const ArrayType = first.constructor as new (length: number) => NumberArray;
    const all = new ArrayType(arrays.reduce((sum, part) => sum + part.length, 0));
    let offset = 0;
    for (const part of arrays) {
      all.set(part, offset);
      offset += part.length;
    }
    return all;
  }
  return arrays.flatMap((part) => Array.from(part));
}
