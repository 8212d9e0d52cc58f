import type { FileHandle } from 'node:fs/promises';
import { atomicWrite } from '@dinov2/weights';
import { ByteWriter, type ColumnSource, ParquetWriter } from 'hyparquet-writer';
import { CurationError } from '../error';
import { isListColumn, isListType, isTypedColumn, type ListColumn, type NumberArray, type ScalarColumnType, type TableColumn, type TableSchema, typeOfArray } from './column-types';
import { writeListChunk } from './list-chunk';
import { schemaElements, schemaOf } from './schema';

export interface WriteTableOptions {
  /** Rows of a row group at most; 65,536 by default, fewer where vectors would fill more than 64 MiB. */
  readonly rowGroupRows?: number;
  /** Text kept in the file under names of your own. */
  readonly metadata?: Readonly<Record<string, string>>;
}

/**
 * Write a table as a Parquet file, which pandas, pyarrow, DuckDB and Hugging Face `datasets` read; Spark too, but for
 * float16. It stands under another name until it is whole and on the disk.
 *
 * @throws CurationError when columns differ in length or a value does not fit its column
 *
 * @example
 * ```ts
 * await writeTable('kept.parquet', { path: ['a.jpg', 'b.jpg'], keep: [true, false], embedding: { width: 384, values } });
 * ```
 */
export async function writeTable(path: string, columns: Readonly<Record<string, TableColumn>>, options: WriteTableOptions = {}): Promise<void> {
  await writeTableInParts(path, schemaOf(columns), (append) => append(columns), options);
}

/** Add rows: the same columns as the schema has, all of one length. */
export type AppendRows = (columns: Readonly<Record<string, TableColumn>>) => Promise<void>;

/**
 * Write a table of which there is never more than a part in memory, as {@link writeTable}. Each call of `append` writes
 * at least one row group, so append thousands of rows at a time.
 *
 * @throws CurationError as {@link writeTable}, or when appended columns are not those of the schema
 */
export async function writeTableInParts(
  path: string,
  schema: TableSchema,
  write: (append: AppendRows) => Promise<void>,
  options: WriteTableOptions = {},
): Promise<void> {
  const rowGroupRows = options.rowGroupRows ?? groupRows(schema);
  if (!Number.isInteger(rowGroupRows) || rowGroupRows < 1) throw new CurationError(`${rowGroupRows} rows per row group; pass a whole number from 1`);
  for (const [name, type] of Object.entries(schema)) {
    if (isListType(type) && !(Number.isInteger(type.width) && type.width >= 1)) {
      throw new CurationError(`column "${name}" of ${path} has vectors of ${type.width} numbers; pass a width of at least 1`);
    }
  }
  await atomicWrite(path, async (file) => {
    const bytes = new ByteWriter();
    const { metadata } = options;
    const writer = new ParquetWriter({
      writer: bytes,
      schema: schemaElements(schema),
      createdBy: 'dinov2-ts',
      ...(metadata && { kvMetadata: Object.entries(metadata).map(([key, value]) => ({ key, value })) }),
    });
    await write(async (columns) => {
      const rows = checkColumns(path, schema, columns);
      for (let first = 0; first < rows; first += rowGroupRows) {
        try {
          writeGroup(writer, bytes, schema, columns, first, Math.min(rowGroupRows, rows - first));
        } catch (cause) {
          throw new CurationError(`${path} cannot be written: ${(cause as Error).message}`, { cause });
        }
        await flush(bytes, file);
      }
    });
    await writer.finish();
    await flush(bytes, file);
  });
}

/** Rows of vectors are grouped by their size, others by their number. */
function groupRows(schema: TableSchema): number {
  const vectorBytes = Object.values(schema).reduce((sum, type) => sum + (isListType(type) ? type.width * (type.type === 'float16' ? 2 : 4) : 0), 0);
  return vectorBytes === 0 ? 65536 : Math.max(1, Math.min(65536, Math.floor(2 ** 26 / vectorBytes)));
}

/** Number of rows of columns that fit a schema. */
function checkColumns(path: string, schema: TableSchema, columns: Readonly<Record<string, TableColumn>>): number {
  const names = Object.keys(schema);
  const given = Object.keys(columns);
  if (given.length !== names.length || names.some((name) => columns[name] === undefined)) {
    throw new CurationError(`${path} has the columns ${names.join(', ')}, and ${given.join(', ') || 'none'} were given`);
  }
  const lengths = names.map((name) => {
    const column = columns[name];
    const type = schema[name];
    if (isListColumn(column) !== isListType(type)) throw new CurationError(`column "${name}" of ${path} ${isListType(type) ? 'holds vectors' : 'holds no vectors'}`);
    if (!isListColumn(column)) {
      if (ArrayBuffer.isView(column) && typeOfArray(column as NumberArray) !== type.type) {
        throw new CurationError(`column "${name}" of ${path} holds ${type.type}, and ${typeOfArray(column as NumberArray)} was given`);
      }
      return isTypedColumn(column) ? column.values.length : (column as ArrayLike<unknown>).length;
    }
    const { width } = type as { width: number };
    if (column.width !== width || column.values.length % width !== 0) {
      throw new CurationError(`column "${name}" of ${path} has vectors of ${width} numbers, and ${column.values.length} numbers in vectors of ${column.width} were given`);
    }
    return column.values.length / width;
  });
  const rows = lengths[0] ?? 0;
  const other = lengths.findIndex((length) => length !== rows);
  if (other >= 0) throw new CurationError(`column "${names[other]}" of ${path} has ${lengths[other]} values, column "${names[0]}" ${rows}; give one value per row`);
  return rows;
}

function writeGroup(
  writer: ParquetWriter,
  bytes: ByteWriter,
  schema: TableSchema,
  columns: Readonly<Record<string, TableColumn>>,
  first: number,
  count: number,
): void {
  const names = Object.keys(schema);
  const start = bytes.offset;
  const scalars = names.filter((name) => !isListType(schema[name]));
  if (scalars.length > 0) {
    void writer.write({
      columnData: scalars.map((name) => columnSource(name, schema[name] as ScalarColumnType, columns[name], first, count)),
      rowGroupSize: count,
    });
  } else {
    writer.row_groups.push({ columns: [], total_byte_size: 0n, num_rows: BigInt(count) });
    writer.num_rows += BigInt(count);
  }
  const group = writer.row_groups.at(-1)!;
  for (const name of names) {
    const type = schema[name];
    if (!isListType(type)) continue;
    const { values } = columns[name] as ListColumn;
    const chunk = writeListChunk(bytes, name, type, values.subarray(first * type.width, (first + count) * type.width));
    group.columns.push(chunk);
    group.total_byte_size += chunk.meta_data!.total_uncompressed_size;
  }
  // The format wants a group's chunks in the order of the schema.
  group.columns.sort((a, b) => position(a) - position(b));
  group.total_compressed_size = BigInt(bytes.offset - start);
  function position(chunk: (typeof group.columns)[number]): number {
    return names.indexOf(chunk.meta_data!.path_in_schema[0]);
  }
}

function columnSource(name: string, { type, nullable }: ScalarColumnType, column: TableColumn, first: number, count: number): ColumnSource {
  const values = isTypedColumn(column) ? column.values : (column as ArrayLike<string | boolean | number | bigint | null>);
  const slice = Array.isArray(values) ? (values as unknown[]).slice(first, first + count) : Array.from({ length: count }, (_, i) => values[first + i]);
  if (!nullable && Array.isArray(values) && slice.includes(null)) {
    throw new CurationError(`column "${name}" holds null in row ${first + slice.indexOf(null)} and is not nullable`);
  }
  const data =
    type === 'int64' || type === 'uint64'
      ? slice.map((value) => (typeof value === 'number' ? BigInt(value) : value))
      : type === 'boolean'
        ? slice.map((value) => (typeof value === 'number' ? value !== 0 : value))
        : slice;
  // Text repeats itself (reasons, folders) and is worth a look for a dictionary; numbers are left as they are.
  return { name, data, ...(type !== 'string' && { encoding: type === 'boolean' ? undefined : 'PLAIN' }) };
}

async function flush(bytes: ByteWriter, file: FileHandle): Promise<void> {
  const pending = new Uint8Array(bytes.buffer, 0, bytes.index);
  for (let written = 0; written < pending.length; ) {
    const { bytesWritten } = await file.write(pending, written);
    written += bytesWritten;
  }
  bytes.index = 0;
}
