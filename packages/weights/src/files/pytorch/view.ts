import type { Dtype } from '../dtypes';
import { elementsOf } from '../weights-file';

/** A storage of a `.pth` archive: the elements of one entry, which several tensors may share. */
export class PickledStorage {
  constructor(
    readonly dtype: Dtype,
    /** Name of its entry below `data/`. */
    readonly key: string,
    readonly elements: number,
  ) {}
}

/** A tensor of a `.pth` archive: a view into a storage. Offset and strides count elements. */
export class PickledTensor {
  constructor(
    readonly storage: PickledStorage,
    readonly offset: number,
    readonly shape: readonly number[],
    readonly strides: readonly number[],
  ) {}
}

/** One dimension of a view, with its step in the storage and in the row-major result. */
export interface Axis {
  readonly size: number;
  readonly stride: number;
  readonly outputStride: number;
}

/** More dimensions than any tensor has; a pickle may claim as many as it likes. */
export const maximumRank = 64;
// A view with steps of zero repeats few stored elements as often as it likes.
const maximumRepeated = 1 << 22;

/** Say why a view cannot be read, or return `undefined` if it can. */
export function viewFault({ storage, offset, shape, strides }: PickledTensor): string | undefined {
  if (shape.length !== strides.length) return `has shape [${shape}] but strides [${strides}]`;
  const elements = elementsOf(shape);
  if (elements === 0) return undefined;
  const last = shape.reduce((sum, size, i) => sum + (size - 1) * strides[i], offset);
  if (!(last < storage.elements)) {
    return `of shape [${shape}], strides [${strides}] and offset ${offset} reaches beyond its storage of ${storage.elements} elements`;
  }
  if (elements > storage.elements && elements > maximumRepeated) {
    return `repeats ${storage.elements} stored elements to ${elements}; save a contiguous copy of it`;
  }
  let extent = 1;
  for (const { size, stride } of axesOf(shape, strides).reverse()) {
    if (stride === 0) continue;
    if (stride < extent) return `of shape [${shape}] and strides [${strides}] overlaps itself; save a contiguous copy of it`;
    extent += stride * (size - 1);
  }
  return undefined;
}

/** Whether a view's elements lie in the storage as in a row-major array. */
export function isContiguous({ shape, strides }: PickledTensor): boolean {
  return axesOf(shape, strides).every(({ stride, outputStride }) => stride === outputStride);
}

/** The dimensions of more than one element, by falling step in the storage. */
export function axesOf(shape: readonly number[], strides: readonly number[]): Axis[] {
  let outputStride = 1;
  const axes: Axis[] = [];
  for (let i = shape.length - 1; i >= 0; i--) {
    if (shape[i] !== 1) axes.push({ size: shape[i], stride: strides[i], outputStride });
    outputStride *= shape[i];
  }
  return axes.reverse().sort((a, b) => b.stride - a.stride);
}
