import type { Mesh, PrecisionPolicy, Engine } from '@dinov2/jit';

/** What computes: compiled graphs on a PJRT plugin, in tfjs-node or on ONNX Runtime; op by op; or the fastest that there is. */
export const engineChoices = ['auto', 'xla', 'tensorflow', 'onnx', 'eager'] as const;
export type EngineChoice = (typeof engineChoices)[number];

/** A backend of TensorFlow.js for the eager engine. */
export const backendChoices = ['cpu', 'wasm', 'tensorflow'] as const;
export type BackendChoice = (typeof backendChoices)[number];

/** Number format of products and activations; `auto` is bfloat16 on accelerators, else float32. */
export const precisionChoices = ['auto', 'float32', 'bfloat16', 'float16'] as const;
export type PrecisionChoice = (typeof precisionChoices)[number];

/** This process among those of several hosts that work together. */
export interface HostsRequest {
  /** Where they meet: `redis://…`, or `http://…` of etcd, of several members with commas between them. */
  readonly store: string;
  readonly index: number;
  readonly count: number;
  /** What they work on, the same in all of them. */
  readonly run: string;
}

/** What a user says of engines; everything is optional. */
export interface EngineRequest {
  readonly engine?: EngineChoice;
  readonly backend?: BackendChoice | null;
  /** Path of a PJRT plugin, for the engine `xla`. */
  readonly plugin?: string | null;
  /** Devices as a grid; by default all of them along `fsdp`. */
  readonly mesh?: Mesh | null;
  readonly precision?: PrecisionChoice;
  /** Work with processes on other hosts, for the engine `xla`. */
  readonly hosts?: HostsRequest;
}

/** An engine and why it was picked. */
export interface PickedEngine {
  readonly engine: Engine;
  readonly reason: string;
  readonly precision: PrecisionPolicy;
}
