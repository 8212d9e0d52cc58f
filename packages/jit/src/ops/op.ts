import type { Attributes, TensorSpec } from '@dinov2/primitives';

/** Inputs of a kernel by name. Kernels that take a list (`Concat`, `Pack`, …) have names `0`, `1`, …. */
export type Specs = Readonly<Record<string, TensorSpec>>;

/** What tracing and the cost report know about one tfjs kernel. */
export interface Op<A = Attributes> {
  /** Shapes and types of the outputs. Throws on inputs that do not fit together. */
  infer(inputs: Specs, attributes: A): TensorSpec | TensorSpec[];
  /** Attributes in the one spelling that graphs use: axes are non-negative, sizes are resolved. tfjs kernels still accept them. */
  normalize?(attributes: A, inputs: Specs): Attributes;
  /** Floating-point operations, a multiply-add counted as two. Absent: the op only moves data. */
  flops?(inputs: Specs, outputs: readonly TensorSpec[], attributes: A): number;
}

export type OpTable = Readonly<Record<string, Op>>;

/** Give the attributes of one op their type; the tracing backend passes whatever tfjs passed. */
export const op = <A>(definition: Op<A>): Op => definition as unknown as Op;

export const size = (spec: TensorSpec): number => spec.shape.reduce((a, b) => a * b, 1);

export const float32 = (shape: readonly number[]): TensorSpec => ({ shape, dtype: 'float32' });
export const int32 = (shape: readonly number[]): TensorSpec => ({ shape, dtype: 'int32' });

/** Mutable copy, as tfjs helpers want it. */
export const dims = (spec: TensorSpec): number[] => [...spec.shape];

/** Axis `-1` is the last. */
export const positiveAxis = (axis: number, rank: number): number => (axis < 0 ? axis + rank : axis);
