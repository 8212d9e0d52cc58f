export type { CompileOptions, DeviceArray, Engine, EngineInfo, Executable, MemoryReport, ProfileEntry } from './engine';
export type { DataType, Graph, Node, TypedArray, Value } from './graph';
