export type { TensorSpec } from '@dinov2/primitives';
export type { CostReport } from './cost';
export { nodeFlops } from './cost';
export { decompose } from './decompose';
export { eagerEngine, type EagerEngineOptions } from './eager-engine';
export type { ArrayPart, CompileOptions, DeviceArray, Engine, EngineInfo, Executable, Hosts, MemoryReport, ProfileEntry } from './engine';
export { JitError } from './errors';
export { formatGraph } from './format-graph';
export type { DataType, Graph, HalfType, Node, TypedArray, Value } from './graph';
export { type ArrayLike, type Compiled, type CompiledFunction, jit, type JitOptions, type Lowered } from './jit';
export { peakBytes } from './liveness';
export { float32, mixedPrecision, type PrecisionPolicy } from './precision';
export { aggregateProfile, formatProfile } from './profile';
export { scope } from './scope';
export { isReplicated, type Mesh, meshPlace, meshSize, replicated, type Sharding, shardShape, shardStart } from './sharding';
export { supportedOps } from './trace/trace';
export {
  flattenTree,
  type FlatTree,
  formatPath,
  type HostArray,
  type Leaf,
  type LeavesOf,
  type MapLeaves,
  mapTree,
  type Path,
  type TreeStructure,
  unflattenTree,
} from './tree';
