export {
  type Agreement,
  type Audit,
  type AuditFinding,
  auditHeldOut,
  type AuditOptions,
  chainEdges,
  type ComponentOptions,
  type ComponentSummary,
  connectedComponents,
  type Cut,
  cutForest,
  type CutOptions,
  type Deduplication,
  type DeduplicationCounts,
  DisjointSet,
  edgeBlock,
  type Edges,
  equalGroups,
  type KeepFacts,
  type KeepPolicy,
  maximumSpanningForest,
  mergeComponents,
  noRow,
  type Pair,
  perceptualGroups,
  type PerceptualOptions,
  type RaisedComponent,
  type RelativeCounts,
  relativeDeduplicate,
  type RelativeDeduplication,
  type RelativeDeduplicationOptions,
  type RelativeGraph,
  renameRows,
  selfDeduplicate,
  type SelfDeduplicationOptions,
  type SpanningForest,
  type SpanningForestOptions,
  type SweepOptions,
  type SweepRow,
  sweepThresholds,
} from './duplicates';
export { CurationError } from './error';
export { contentHash, hammingDistance, hammingJoin, perceptualHash, structureless } from './hashes';
export { memoryVectors } from './vectors/memory-vectors';
export type { VectorPrecision } from './vectors/npy-header';
export { openNpy } from './vectors/open-npy';
export { openVectors } from './vectors/open-vectors';
export type { Vectors } from './vectors/vectors';
export { type NpyWriter, writeNpy } from './vectors/write-npy';
export {
  type Classification,
  classifyAll,
  type Classifier,
  type ClassifierBatch,
  type ClassifierColumns,
  type ClassifierInput,
  type Classify,
  type ClassifyOptions,
  decideByRules,
  defaultRules,
  loadClassifier,
  type QualityColumns,
  qualityColumnNames,
  qualityColumns,
  qualityScore,
  type Rule,
  type RuleDecisions,
} from './quality';
export { embedImages, type EmbeddingSet, type EmbedOptions } from './embed';
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
export { type Join, joinNeighbours } from './neighbours/join-neighbours';
export type { JoinOptions } from './neighbours/join-options';
export type { JoinProgress } from './neighbours/progress';
export { assign, type AssignOptions, type AssignProgress, type Assignment } from './kmeans/assign';
export type { Clustering } from './kmeans/clustering';
export { kmeans, type KmeansOptions, type KmeansProgress } from './kmeans/kmeans';
export type { Metric } from './kmeans/metric';
export type { Shard } from './kmeans/shards';
export { hierarchicalKmeans, type HierarchyOptions, type HierarchyProgress } from './hierarchy/hierarchical-kmeans';
export { type Hierarchy, type Level, rowsBelow } from './hierarchy/hierarchy';
export { allocate } from './sampling/allocate';
export { type BalanceOptions, sampleBalanced } from './sampling/sample-balanced';
export {
  type ClusterRetrieval,
  type ClusterRetrievalOptions,
  type ClusterRetrievalRule,
  retrieveByCluster,
  takeFromClusters,
} from './retrieval/retrieve-by-cluster';
export { type Collisions, retrieveBySample, type SampleRetrieval, type SampleRetrievalOptions } from './retrieval/retrieve-by-sample';
export { curate, type CurateOptions, type CurateOutcome, type RunResult, type SourceRow } from './plan/curate';
export type { ImageSet } from './plan/image-table';
export { planYaml } from './plan/plan-yaml';
export { type Reporter, terminalReporter } from './plan/reporter';
export { planFor, type PlanOverrides, readPlan } from './plan/resolve-plan';
export type { SourceCounts, StepResult } from './plan/run-steps';
export type { EmbedSettings, HeldOutSet, Plan, PlannedStep, QuerySet, Source, StepKind, StepSettings } from './plan/schema';
export { type ExtendOptions, type LanceIndex, type NearestOptions, type Neighbour, openLanceIndex } from './neighbours/lance-index';
