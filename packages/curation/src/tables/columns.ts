import { CurationError } from '../error';
import type { ColumnValues, ListValues, TableData } from './open-table';

/** Text of a column that was read. */
export function strings(data: TableData, name: string): (string | null)[] {
  const values = column(data, name);
  if (Array.isArray(values) && values.every((value) => value === null || typeof value === 'string')) return values as (string | null)[];
  throw new CurationError(`column "${name}" holds no text`);
}

/** Numbers of a column that was read, those of 64 bits as float64; exact up to 2⁵³. */
export function numbers(data: TableData, name: string): ArrayLike<number | null> {
  const values = column(data, name);
  if (values instanceof BigInt64Array || values instanceof BigUint64Array) return Float64Array.from(values, Number);
  if (ArrayBuffer.isView(values)) return values as Float64Array;
  if (Array.isArray(values) && values.every((value) => value === null || typeof value === 'number' || typeof value === 'bigint')) {
    return values.map((value) => (value === null ? null : Number(value)));
  }
  throw new CurationError(`column "${name}" holds no numbers`);
}

/** Vectors of a column that was read. */
export function lists(data: TableData, name: string): ListValues {
  const values = column(data, name);
  if ('width' in values) return values;
  throw new CurationError(`column "${name}" holds no vectors`);
}

function column({ columns }: TableData, name: string): ColumnValues {
  const values = columns[name];
  if (values === undefined) throw new CurationError(`no column "${name}" was read, only ${Object.keys(columns).join(', ')}`);
  return values;
}
