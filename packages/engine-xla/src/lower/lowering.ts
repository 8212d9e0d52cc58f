import type { Attributes } from '@dinov2/primitives';
import type { Builder } from './builder';
import { broadcastShape, type Spec, type Tensor } from './tensor';

/** What a lowering may depend on besides the node. */
export interface Target {
  /** `cpu`, `cuda`, `rocm`, `tpu` */
  readonly platform: string;
  /** Devices that a batch is split over. */
  readonly devices: number;
}

/** One graph node with its inputs already lowered. */
export interface Call {
  readonly op: string;
  readonly inputs: Readonly<Record<string, Tensor>>;
  readonly attributes: Attributes;
  /** Products may return float32 where a narrower type is asked for; the caller converts. */
  readonly outputs: readonly Spec[];
  /** What operands of products are rounded to; sums are made in float32. */
  readonly compute?: 'bf16' | 'f16';
  readonly target: Target;
}

/** Write the operations of one node and return its outputs. */
export type Lowering = (b: Builder, call: Call) => Tensor | Tensor[];
export type LoweringTable = Readonly<Record<string, Lowering>>;

/** The one output of most ops. */
export const output = ({ outputs }: Call): Spec => outputs[0]!;

/** Inputs of ops that take a list. */
export const operands = ({ inputs }: Call): Tensor[] => Object.values(inputs);

export const input = ({ inputs }: Call, name: string): Tensor => inputs[name]!;

/** Ready for an elementwise operation that needs equal shapes. */
export function alignAll(b: Builder, tensors: readonly Tensor[]): Tensor[] {
  const shape = tensors.map((x) => x.shape).reduce(broadcastShape);
  return tensors.map((x) => b.broadcast(x, shape));
}
