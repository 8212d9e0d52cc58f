import type { DataType, HalfType } from '@dinov2/jit';

/** Types that tensors have inside a graph: those of the traced one, 16 bits, and what some TensorFlow ops want. */
export type ElementType = DataType | HalfType | 'int64';

/** `DataType` of tensorflow/core/framework/types.proto. */
export const dataType: Readonly<Record<ElementType, number>> = {
  float32: 1,
  int32: 3,
  int64: 9,
  bool: 10,
  bfloat16: 14,
  float16: 19,
};

const elementBytes: Readonly<Record<ElementType, number>> = { float32: 4, int32: 4, int64: 8, bool: 1, bfloat16: 2, float16: 2 };

export const isHalf = (type: ElementType): type is HalfType => type === 'bfloat16' || type === 'float16';

export const sizeOf = (shape: readonly number[]): number => shape.reduce((a, b) => a * b, 1);

export const bytesOf = (shape: readonly number[], type: ElementType): number => sizeOf(shape) * elementBytes[type];
