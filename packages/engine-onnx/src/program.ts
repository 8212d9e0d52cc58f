import type { Node } from '@dinov2/jit';
import { bytesOf, type ElementType } from './element-type';
import type { SimdKernel } from './kernels';
import type { Operator } from './onnx-model';

/** Memory that holds one or more tensors of a program. Where it lies is decided by the plan. */
export interface Storage {
  readonly bytes: number;
  readonly kind: 'temporary' | 'input' | 'constant';
  /** Set when this storage is a part of another one. */
  parent?: { readonly storage: Storage; readonly offset: number };
}

/** A tensor of a program: a contiguous part of a storage with a shape and a type. */
export interface Tensor {
  readonly storage: Storage;
  /** In bytes. */
  readonly offset: number;
  readonly shape: readonly number[];
  readonly type: ElementType;
}

/** Input and output of a step that may share their memory when the input is not needed any more. */
export type InPlace = readonly (readonly [input: number, output: number])[];

interface StepBase {
  readonly inputs: readonly (Tensor | null)[];
  readonly outputs: readonly Tensor[];
  readonly inPlace: InPlace;
  /** The graph node this step is part of. Null for copies that the plan adds. */
  readonly node: Node | null;
}

/** A call of a one-node ONNX Runtime session. */
export interface OrtStep extends StepBase {
  readonly kind: 'ort';
  readonly operator: Operator;
  /** Constants that are part of the session, by input; `inputs` has null there. ONNX Runtime keeps them as its kernel wants them. */
  readonly initializers: ReadonlyMap<number, Tensor>;
}

/** A call of a WebAssembly kernel. `scratch` is an output that nobody reads. */
export interface SimdStep extends StepBase {
  readonly kind: 'simd';
  readonly kernel: SimdKernel;
  /** What the kernel sees: shapes and attributes. */
  readonly call: Node;
  readonly scratch: Tensor | null;
}

/** A copy of the bytes of one tensor to another. */
interface CopyStep extends StepBase {
  readonly kind: 'copy';
}

export type Step = OrtStep | SimdStep | CopyStep;

/** Ordered steps over storages. */
export interface Program {
  readonly steps: readonly Step[];
  readonly inputs: readonly Storage[];
  readonly outputs: readonly Tensor[];
  readonly constants: ReadonlyMap<Storage, Uint8Array>;
}

export const tensorBytes = ({ shape, type }: Tensor): number => bytesOf(shape, type);

/** The outermost storage that a storage is part of, and where in it. */
export function resolve(storage: Storage, offset = 0): { root: Storage; offset: number } {
  let root = storage;
  let at = offset;
  while (root.parent) {
    at += root.parent.offset;
    root = root.parent.storage;
  }
  return { root, offset: at };
}

/** All tensors a step touches, scratch included. */
export function touched(step: Step): Tensor[] {
  const tensors = [...step.inputs.filter((tensor) => tensor !== null), ...step.outputs];
  if (step.kind === 'simd' && step.scratch) tensors.push(step.scratch);
  return tensors;
}
