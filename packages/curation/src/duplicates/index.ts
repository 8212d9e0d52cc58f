export type { Agreement } from './agreement';
export { type Audit, type AuditFinding, auditHeldOut, type AuditOptions } from './audit-held-out';
export type { ComponentSummary } from './component-summary';
export { type ComponentOptions, connectedComponents, mergeComponents } from './components';
export type { Pair } from './cosines';
export { type Cut, cutForest, type CutOptions, type RaisedComponent } from './cut-forest';
export { DisjointSet } from './disjoint-set';
export { chainEdges, edgeBlock, type Edges, renameRows } from './edges';
export { equalGroups } from './equal-groups';
export type { KeepFacts, KeepPolicy } from './keep-policy';
export { perceptualGroups, type PerceptualOptions } from './perceptual-groups';
export {
  noRow,
  type RelativeCounts,
  relativeDeduplicate,
  type RelativeDeduplication,
  type RelativeDeduplicationOptions,
  type RelativeGraph,
} from './relative-deduplicate';
export { type Deduplication, type DeduplicationCounts, selfDeduplicate, type SelfDeduplicationOptions } from './self-deduplicate';
export { maximumSpanningForest, type SpanningForest, type SpanningForestOptions } from './spanning-forest';
export { type SweepOptions, type SweepRow, sweepThresholds } from './sweep-thresholds';
