export { CurationError } from './error';
export { contentHash, hammingDistance, perceptualHash, structureless } from './hashes';
export { memoryVectors } from './vectors/memory-vectors';
export type { VectorPrecision } from './vectors/npy-header';
export { openNpy } from './vectors/open-npy';
export { openVectors } from './vectors/open-vectors';
export type { Vectors } from './vectors/vectors';
export { type NpyWriter, writeNpy } from './vectors/write-npy';
export { type QualityColumns, qualityColumnNames, qualityColumns, qualityScore } from './quality';
export { generateHeap, type GenerateHeapOptions, type HeapSettings, type HeapShares, type HeapSummary, readTruth, type Truth } from './heap';
export {
  type AppendRows,
  type ColumnType,
  type ColumnValues,
  type ListColumn,
  type ListColumnType,
  lists,
  type ListValues,
  type NumberArray,
  numbers,
  openParquetVectors,
  openTable,
  type ParquetVectorsOptions,
  query,
  readTable,
  type ReadOptions,
  type Row,
  type ScalarColumnType,
  type ScalarType,
  strings,
  type Table,
  type TableColumn,
  type TableData,
  type TableSchema,
  type TypedColumn,
  writeTable,
  writeTableInParts,
  type WriteTableOptions,
} from './tables';
export { type ReportOptions, writeReport } from './report';
export { readEdges, writeEdges } from './neighbours/edge-file';
export type { EdgeBlock } from './neighbours/edges';
export { type Join, joinNeighbours, type JoinOptions } from './neighbours/join-neighbours';
export type { JoinProgress } from './neighbours/progress';
