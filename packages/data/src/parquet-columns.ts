import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { type ColumnMetaData, type FileMetaData, parquetMetadata, parquetSchema } from 'hyparquet';
import { readColumn } from 'hyparquet/src/column.js';
import { DEFAULT_PARSERS } from 'hyparquet/src/convert.js';
import { DataError } from './error';

/**
 * Read columns of a Parquet file without waiting: those of `names` that are there and have one value per row.
 *
 * @throws DataError when the file is missing, damaged or compressed otherwise than by Snappy.
 */
export function readParquetColumns<Name extends string>(path: string, names: readonly Name[]): Partial<Record<Name, unknown[]>> {
  let descriptor: number | undefined;
  try {
    descriptor = openSync(path, 'r');
    const file = descriptor;
    const read = (offset: number, length: number): ArrayBuffer => {
      const bytes = new Uint8Array(length);
      if (offset < 0 || readSync(file, bytes, 0, length, offset) !== length) throw new Error('it was cut off');
      return bytes.buffer;
    };
    const metadata = readMetadata(fstatSync(file).size, read);
    const flat = parquetSchema(metadata).children.filter(({ children }) => children.length === 0);
    const present = names.filter((name) => flat.some(({ element }) => element.name === name));
    return Object.fromEntries(present.map((name) => [name, readWhole(metadata, name, read)])) as Partial<Record<Name, unknown[]>>;
  } catch (cause) {
    throw new DataError(`cannot read the list ${path}: ${(cause as Error).message}`, { cause });
  } finally {
    if (descriptor !== undefined) closeSync(descriptor);
  }
}

type Read = (offset: number, length: number) => ArrayBuffer;

/** The end of the file: what it holds, the length of that in 4 bytes, and `PAR1`. */
function readMetadata(size: number, read: Read): FileMetaData {
  const length = new DataView(read(size - 8, 8)).getUint32(0, true);
  return parquetMetadata(read(size - 8 - length, length + 8));
}

function readWhole(metadata: FileMetaData, name: string, read: Read): unknown[] {
  const root = parquetSchema(metadata);
  const column = root.children.find(({ element }) => element.name === name)!;
  const values: unknown[] = [];
  for (const group of metadata.row_groups) {
    const rows = Number(group.num_rows);
    const chunk = group.columns.find(({ meta_data }) => meta_data?.path_in_schema[0] === name)!.meta_data!;
    const view = new DataView(read(startOf(chunk), Number(chunk.total_compressed_size)));
    const decoder = { ...chunk, pathInSchema: chunk.path_in_schema, element: column.element, schemaPath: [root, column], parsers: DEFAULT_PARSERS };
    const { data } = readColumn({ view, offset: 0 }, { groupStart: 0, selectStart: 0, selectEnd: rows, groupRows: rows }, decoder);
    for (const part of data) for (const value of part as ArrayLike<unknown> & Iterable<unknown>) values.push(value);
  }
  return values;
}

const startOf = ({ dictionary_page_offset, data_page_offset }: ColumnMetaData) => Number(dictionary_page_offset || data_page_offset);
