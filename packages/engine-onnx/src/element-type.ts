import type { DataType, TypedArray } from '@dinov2/jit';

/** Types that tensors have inside a plan: those of graphs, plus what some ONNX operators want. */
export type ElementType = DataType | 'int64' | 'uint8';

/** `TensorProto.DataType` of the ONNX specification. */
export const onnxType: Readonly<Record<ElementType, number>> = { float32: 1, uint8: 2, int32: 6, int64: 7, bool: 9 };

export const elementBytes: Readonly<Record<ElementType, number>> = { float32: 4, uint8: 1, int32: 4, int64: 8, bool: 1 };

export const sizeOf = (shape: readonly number[]): number => shape.reduce((a, b) => a * b, 1);

export const bytesOf = (shape: readonly number[], type: ElementType): number => sizeOf(shape) * elementBytes[type];

/** Host array over part of a buffer. */
export function typedView(buffer: ArrayBufferLike, offset: number, size: number, dtype: DataType): TypedArray {
  const constructor = { float32: Float32Array, int32: Int32Array, bool: Uint8Array }[dtype];
  return new constructor(buffer as ArrayBuffer, offset, size);
}
