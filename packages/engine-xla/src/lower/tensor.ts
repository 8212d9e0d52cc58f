import type { DataType, HalfType } from '@dinov2/jit';

/** Element types of StableHLO that lowered graphs use. */
export type ElementType = 'f32' | 'bf16' | 'f16' | 'i32' | 'i8' | 'ui8' | 'i1';

/** Shape and type of a tensor. */
export interface Spec {
  readonly shape: readonly number[];
  readonly type: ElementType;
}

/** A value in the text: its name begins with `%`. */
export interface Tensor extends Spec {
  readonly name: string;
}

export const elementType: Readonly<Record<DataType | HalfType, ElementType>> = {
  float32: 'f32',
  bfloat16: 'bf16',
  float16: 'f16',
  int32: 'i32',
  bool: 'i1',
};

export const isFloat = (type: ElementType): boolean => type === 'f32' || type === 'bf16' || type === 'f16';

/** bool counts as int32 in arithmetic. */
export const numeric = (type: ElementType): ElementType => (type === 'i1' ? 'i32' : type);

/** `tensor<2x3xf32>` */
export const typeText = ({ shape, type }: Spec): string => `tensor<${shape.map((length) => `${length}x`).join('')}${type}>`;

/** `(tensor<2xf32>, tensor<f32>)` */
export const typesText = (specs: readonly Spec[]): string => `(${specs.map(typeText).join(', ')})`;

export const sizeOf = (shape: readonly number[]): number => shape.reduce((a, b) => a * b, 1);

export const sameShape = (a: readonly number[], b: readonly number[]): boolean => a.length === b.length && a.every((length, axis) => length === b[axis]);

/** 0, 1, …, n − 1 */
export const range = (n: number): number[] => Array.from({ length: n }, (_, i) => i);

/** Shape of an elementwise result, as in NumPy. */
export function broadcastShape(x: readonly number[], y: readonly number[]): number[] {
  const rank = Math.max(x.length, y.length);
  const at = (shape: readonly number[], axis: number) => shape[axis - rank + shape.length] ?? 1;
  return Array.from({ length: rank }, (_, axis) => (at(x, axis) === 1 ? at(y, axis) : at(x, axis)));
}
