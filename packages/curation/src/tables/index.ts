export type { ColumnType, ListColumn, ListColumnType, NumberArray, ScalarColumnType, ScalarType, TableColumn, TableSchema, TypedColumn } from './column-types';
export { lists, numbers, strings } from './columns';
export { type ColumnValues, type ListValues, openTable, readTable, type ReadOptions, type Table, type TableData } from './open-table';
export { openParquetVectors, type ParquetVectorsOptions } from './parquet-vectors';
export { query, type Row } from './query';
export { type AppendRows, writeTable, writeTableInParts, type WriteTableOptions } from './write-table';
