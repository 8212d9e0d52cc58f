import type { Attributes } from '@dinov2/primitives';
import type { Sharding } from './sharding';

export type DataType = 'float32' | 'int32' | 'bool';
/** Number formats of 16 bits that float32 values may be kept in. */
export type HalfType = 'bfloat16' | 'float16';
export type TypedArray = Float32Array | Int32Array | Uint8Array;

/** One tensor of a graph: produced by a node, fed as an input, or a constant. */
export interface Value {
  readonly id: number;
  readonly shape: readonly number[];
  readonly dtype: DataType;
  /** A float32 value that an engine keeps in fewer bits, by a precision policy. */
  readonly stored?: HalfType;
  /** How the value lies on the engine's mesh; absent leaves it to the engine. */
  readonly sharding?: Sharding;
}

/** What a value has besides its number. */
export type ValueSpec = Omit<Value, 'id'>;

/** One kernel call. `op` is a TensorFlow.js kernel name or the name of a primitive. */
export interface Node {
  readonly op: string;
  /** In call order; names as in the tfjs kernel (`a`, `b`, `x`, …). Lists are numbered `0`, `1`, …. */
  readonly inputs: Readonly<Record<string, Value>>;
  readonly attributes: Attributes;
  readonly outputs: readonly Value[];
  /** Name scope set with `scope()` and the first user stack frame, for dumps and errors. */
  readonly scope?: string;
  readonly source?: string;
}

/**
 * A static single-assignment graph; `nodes` are in an order in which they can run.
 *
 * `jit` hands engines graphs whose outputs are distinct and each produced by a node: an input that
 * is returned unchanged goes through an `Identity`.
 */
export interface Graph {
  readonly inputs: readonly Value[];
  readonly outputs: readonly Value[];
  readonly nodes: readonly Node[];
  readonly constants: ReadonlyMap<Value, TypedArray>;
}

/** Values of a tensor as the array type of its data type: Float32Array, Int32Array, or Uint8Array for bool. */
export function typedArray(values: ArrayLike<number>, dtype: DataType): TypedArray {
  if (dtype === 'float32') return values instanceof Float32Array ? values : Float32Array.from(values);
  if (dtype === 'int32') return values instanceof Int32Array ? values : Int32Array.from(values);
  return values instanceof Uint8Array ? values : Uint8Array.from(values, Number);
}

export const elements = ({ shape }: Pick<Value, 'shape'>): number => shape.reduce((a, b) => a * b, 1);

export const bytes = (value: Pick<Value, 'shape' | 'dtype'>): number =>
  elements(value) * (value.dtype === 'bool' ? 1 : 4);
