import type { Attributes as NodeAttributes } from '@dinov2/primitives';
import type { HalfType } from '@dinov2/jit';
import { type, type Attributes, type Builder, type Spec, type Tensor } from '../builder';
import type { ElementType } from '../element-type';

/** One graph node with its inputs already lowered. */
export interface Call {
  readonly op: string;
  readonly inputs: Readonly<Record<string, Tensor>>;
  readonly attributes: NodeAttributes;
  /** As a lowering should give them; a result in float32 is converted to 16 bits afterwards. */
  readonly outputs: readonly (Spec & { readonly type: 'float32' | 'int32' | 'bool' | HalfType })[];
}

/** Append the nodes of one call and return its outputs. */
export type Lowering = (b: Builder, call: Call) => Tensor | Tensor[];
export type LoweringTable = Readonly<Record<string, Lowering>>;

export const iota = (n: number): number[] => Array.from({ length: n }, (_, i) => i);

const withAxis = (shape: readonly number[], axis: number, length: number): number[] => [...shape].with(axis, length);

/** bool counts as int32. */
export const numeric = (t: ElementType): ElementType => (t === 'bool' ? 'int32' : t);

const broadcast = (x: readonly number[], y: readonly number[]): number[] => {
  const rank = Math.max(x.length, y.length);
  const at = (shape: readonly number[], axis: number) => shape[axis - rank + shape.length] ?? 1;
  return Array.from({ length: rank }, (_, axis) => (at(x, axis) === 1 ? at(y, axis) : at(x, axis)));
};

/** Elementwise op of one operand. */
export const map = (b: Builder, op: string, x: Tensor, attributes = {}): Tensor => b.op(op, [x], x, { T: type(x), ...attributes });

/** Elementwise op of two operands of one type, broadcast. */
export const zip = (b: Builder, op: string, x: Tensor, y: Tensor, attributes = {}): Tensor =>
  b.op(op, [x, y], { shape: broadcast(x.shape, y.shape), type: x.type }, { T: type(x), ...attributes });

/** Comparison of two operands of one type, broadcast. */
export const compare = (b: Builder, op: string, x: Tensor, y: Tensor): Tensor =>
  b.op(op, [x, y], { shape: broadcast(x.shape, y.shape), type: 'bool' }, { T: type(x) });

/** `condition ? yes : no`, broadcast. */
export const select = (b: Builder, condition: Tensor, yes: Tensor, no: Tensor): Tensor =>
  b.op('SelectV2', [condition, yes, no], { shape: broadcast(condition.shape, broadcast(yes.shape, no.shape)), type: yes.type }, { T: type(yes) });

/** Permute axes. */
export function transpose(b: Builder, x: Tensor, perm: readonly number[]): Tensor {
  const shape = perm.map((axis) => x.shape[axis]);
  const long = perm.filter((axis) => x.shape[axis] !== 1);
  if (long.every((axis, i) => i === 0 || long[i - 1] < axis)) return b.reshape(x, shape);
  return b.op('Transpose', [x, b.integers(perm)], { shape, type: x.type }, { T: type(x), Tperm: type('int32') });
}

/** Reduce axes; they stay as length 1 if `keep`. */
export function reduce(b: Builder, op: string, x: Tensor, axes: readonly number[], keep = false): Tensor {
  const shape = keep ? x.shape.map((d, i) => (axes.includes(i) ? 1 : d)) : x.shape.filter((_, i) => !axes.includes(i));
  // All and Any have no choice of type.
  const t: Attributes = x.type === 'bool' ? {} : { T: type(x) };
  return b.op(op, [x, b.integers(axes)], { shape, type: x.type }, { ...t, Tidx: type('int32'), keep_dims: { b: keep } });
}

/** A box of a tensor. */
export function slice(b: Builder, x: Tensor, begin: readonly number[], size: readonly number[]): Tensor {
  if (size.every((d, axis) => d === x.shape[axis])) return x;
  return b.op('Slice', [x, b.integers(begin), b.integers(size)], { shape: size, type: x.type }, { T: type(x), Index: type('int32') });
}

/** `count` elements of the first axis. */
export const rows = (b: Builder, x: Tensor, from: number, count: number): Tensor =>
  slice(b, x, x.shape.map((_, axis) => (axis === 0 ? from : 0)), withAxis(x.shape, 0, count));

export function pad(b: Builder, x: Tensor, paddings: readonly (readonly number[])[], value = 0): Tensor {
  if (paddings.every(([before, after]) => before === 0 && after === 0)) return x;
  const shape = x.shape.map((d, i) => d + paddings[i][0] + paddings[i][1]);
  const constant = b.scalar(value, x.type as 'float32');
  return b.op('PadV2', [x, b.integers(paddings.flat(), [paddings.length, 2]), constant], { shape, type: x.type }, {
    T: type(x),
    Tpaddings: type('int32'),
  });
}

export function concat(b: Builder, parts: readonly Tensor[], axis: number): Tensor {
  if (parts.length === 1) return parts[0];
  const [first] = parts;
  const shape = withAxis(first.shape, axis, parts.reduce((sum, part) => sum + part.shape[axis], 0));
  return b.op('ConcatV2', [...parts, b.scalar(axis, 'int32')], { shape, type: first.type }, {
    N: { i: parts.length },
    T: type(first),
    Tidx: type('int32'),
  });
}
