import type { DataType, Graph, TypedArray } from './graph';
import type { Mesh, Sharding } from './sharding';

/** What an engine says of itself at start-up. */
export interface EngineInfo {
  /** `onnx`, `eager`, … */
  readonly name: string;
  /** Human-readable device, e.g. `CPU, 2 threads`. */
  readonly device: string;
  /** Arithmetic of the compute: `float32`, `bfloat16`. */
  readonly precision: string;
  /** Version of the runtime below. */
  readonly runtime: string;
}

/** A tensor that lives where the engine keeps it. */
export interface DeviceArray {
  readonly shape: readonly number[];
  readonly dtype: DataType;
  /** How it lies on the engine's mesh; absent on engines of one device. */
  readonly sharding?: Sharding;
  /** Copy to the host. Throws where other hosts hold parts of it. */
  data(): Promise<TypedArray>;
  /** The parts that this process holds and is the first to hold: each element is in one part of one process. Absent on engines of one device. */
  parts?(): readonly ArrayPart[];
  /** Free the memory. An array that was donated is already disposed. */
  dispose(): void;
  readonly isDisposed: boolean;
}

/** A box of an array, on one device. */
export interface ArrayPart {
  /** Where it begins, per axis of the array. */
  readonly start: readonly number[];
  readonly shape: readonly number[];
  data(): Promise<TypedArray>;
}

export interface CompileOptions {
  /**
   * Pairs (input index, output index): the caller gives this input up, and the output of the same
   * shape and type may be written over it.
   */
  readonly donations: readonly (readonly [input: number, output: number])[];
}

/** Time and memory of a compiled graph, for `--dry-run` and profiles. */
export interface MemoryReport {
  /** Bytes the executable itself needs at its peak, next to its inputs and outputs. */
  readonly temporary: number;
  readonly inputs: number;
  /** Bytes of outputs that do not reuse a donated input. */
  readonly outputs: number;
}

export interface ProfileEntry {
  readonly op: string;
  /** What ran it, e.g. `ort:Gemm`, `wasm:layerNormGrad`. */
  readonly kernel: string;
  readonly scope: string;
  readonly calls: number;
  readonly milliseconds: number;
  readonly flops: number;
}

export interface Executable {
  /** Arrays in graph order in, arrays in graph order out. Donated inputs are disposed. */
  run(inputs: readonly DeviceArray[]): Promise<DeviceArray[]>;
  /** One run with a clock around every kernel. */
  profile(inputs: readonly DeviceArray[]): Promise<{ outputs: DeviceArray[]; entries: ProfileEntry[] }>;
  readonly memory: MemoryReport;
  dispose(): void;
}

/** This process among those that share an engine's devices, one per host. */
export interface Hosts {
  readonly index: number;
  readonly count: number;
  /** Wait until every process has come to the barrier of this name; a name is used once. Rejects if one of them is gone. */
  barrier(name: string): Promise<void>;
}

/** A runtime that executes graphs. Implemented by `engine-*` packages and by the eager engine. */
export interface Engine {
  readonly info: EngineInfo;
  /** Present on engines of several devices. */
  readonly mesh?: Mesh;
  /** Whether a run leaves this thread free, so that arrays put meanwhile travel while it computes. Off by default. */
  readonly isAsynchronous?: boolean;
  /** Present where devices of several hosts work together. */
  readonly hosts?: Hosts;
  /**
   * Put this process's rows of an array whose first axis is split over all devices; the processes give equally many,
   * one after the other. Present where {@link hosts} is.
   */
  putRows?(data: TypedArray, shape: readonly number[], dtype: DataType): DeviceArray;
  /** Values of the graph may be annotated with shardings over the engine's mesh; others lie as the engine likes. */
  compile(graph: Graph, options: CompileOptions): Promise<Executable>;
  /** Put a host array on the device (copied); on several, every one holds the whole array unless it is split by `sharding`. */
  put(data: TypedArray, shape: readonly number[], dtype: DataType, sharding?: Sharding): DeviceArray;
  dispose(): Promise<void>;
}
