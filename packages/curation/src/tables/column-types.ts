import type { SchemaElement } from 'hyparquet';

/** Kinds of a column with one value per row. */
export type ScalarType =
  | 'boolean'
  | 'string'
  | 'int8'
  | 'int16'
  | 'int32'
  | 'int64'
  | 'uint8'
  | 'uint16'
  | 'uint32'
  | 'uint64'
  | 'float32'
  | 'float64';

/** A column with one value per row. */
export interface ScalarColumnType {
  readonly type: ScalarType;
  /** Whether a value may be null; off by default. */
  readonly nullable?: boolean;
}

/** A column with a vector per row, all of one width: a Parquet list. */
export interface ListColumnType {
  readonly type: 'float16' | 'float32';
  /** D, numbers per row. */
  readonly width: number;
}

export type ColumnType = ScalarColumnType | ListColumnType;

/** Columns of a table by name, in their order. */
export type TableSchema = Readonly<Record<string, ColumnType>>;

/** Numbers of a column without nulls; its kind is the column's. */
export type NumberArray =
  | Int8Array
  | Int16Array
  | Int32Array
  | BigInt64Array
  | Uint8Array
  | Uint16Array
  | Uint32Array
  | BigUint64Array
  | Float32Array
  | Float64Array;

type Value = string | boolean | number | bigint | null;

/** Values of a stated kind, where an array does not tell it: null among numbers, 0 and 1 as booleans. */
export interface TypedColumn {
  readonly type: ScalarType;
  /** Whole numbers of 64 bits may be given as numbers. */
  readonly values: ArrayLike<Value>;
}

/** Vectors, one per row. */
export interface ListColumn {
  /** Number type in the file; float32 by default. */
  readonly type?: 'float16' | 'float32';
  /** D */
  readonly width: number;
  /** (rows, D) */
  readonly values: Float32Array;
}

/** Values of one column, to be written. Arrays of text and of booleans may hold null. */
export type TableColumn = NumberArray | readonly (string | null)[] | readonly (boolean | null)[] | TypedColumn | ListColumn;

interface Physical {
  readonly type: NonNullable<SchemaElement['type']>;
  readonly converted?: SchemaElement['converted_type'];
  readonly array?: new (values: ArrayLike<never>) => NumberArray;
}

/** How a kind is stored, and the array that holds its values in memory. */
export const physicalTypes: Readonly<Record<ScalarType, Physical>> = {
  boolean: { type: 'BOOLEAN' },
  string: { type: 'BYTE_ARRAY', converted: 'UTF8' },
  int8: { type: 'INT32', converted: 'INT_8', array: Int8Array },
  int16: { type: 'INT32', converted: 'INT_16', array: Int16Array },
  int32: { type: 'INT32', array: Int32Array },
  int64: { type: 'INT64', array: BigInt64Array },
  uint8: { type: 'INT32', converted: 'UINT_8', array: Uint8Array },
  uint16: { type: 'INT32', converted: 'UINT_16', array: Uint16Array },
  uint32: { type: 'INT32', converted: 'UINT_32', array: Uint32Array },
  uint64: { type: 'INT64', converted: 'UINT_64', array: BigUint64Array },
  float32: { type: 'FLOAT', array: Float32Array },
  float64: { type: 'DOUBLE', array: Float64Array },
};

/** Whether a column holds vectors. */
export const isListType = (type: ColumnType): type is ListColumnType => 'width' in type;

/** Whether values to be written are vectors. */
export const isListColumn = (column: TableColumn): column is ListColumn => 'width' in column;

/** Whether values to be written come with their kind. */
export const isTypedColumn = (column: TableColumn): column is TypedColumn => 'values' in column && !('width' in column) && 'type' in column;

/** The kind of an array of numbers. */
export function typeOfArray(values: NumberArray): ScalarType {
  const kind = (Object.keys(physicalTypes) as ScalarType[]).find((type) => {
    const { array } = physicalTypes[type];
    return array !== undefined && values instanceof array;
  });
  return kind!;
}
