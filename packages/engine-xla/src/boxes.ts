import type { TypedArray } from '@dinov2/jit';

/** A box of an array: where it begins and how long it is, per axis. */
export interface Box {
  readonly start: readonly number[];
  readonly shape: readonly number[];
}

export const sizeOf = (shape: readonly number[]): number => shape.reduce((a, b) => a * b, 1);

/** Whether the box lies in one piece in an array of this shape. */
export function isContiguous({ shape: box }: Box, shape: readonly number[]): boolean {
  const first = box.findIndex((length) => length !== 1);
  return first < 0 || box.every((length, axis) => axis <= first || length === shape[axis]);
}

/** Call for each row of the box that lies in one piece: where it is in the array and in the box, and its length. */
function eachRun({ start, shape: box }: Box, shape: readonly number[], copy: (inArray: number, inBox: number, length: number) => void): void {
  if (sizeOf(box) === 0) return;
  // Trailing axes that are whole belong to one run, with the first that is not.
  let axis = box.length - 1;
  while (axis > 0 && box[axis] === shape[axis]) axis--;
  const outer = Math.max(axis, 0);
  const strides = shape.map((_, i) => sizeOf(shape.slice(i + 1)));
  const length = sizeOf(box.slice(outer));
  const origin = start.reduce((sum, at, i) => sum + at * strides[i]!, 0);
  const index = new Array<number>(outer).fill(0);
  for (let inBox = 0; ; inBox += length) {
    copy(index.reduce((sum, at, i) => sum + at * strides[i]!, origin), inBox, length);
    let i = outer - 1;
    for (; i >= 0 && ++index[i]! === box[i]; i--) index[i] = 0;
    if (i < 0) return;
  }
}

/** The values of a box, as a view where they lie in one piece. */
export function readBox<T extends TypedArray>(data: T, shape: readonly number[], box: Box): T {
  if (isContiguous(box, shape)) {
    const origin = box.start.reduce((sum, at, i) => sum + at * sizeOf(shape.slice(i + 1)), 0);
    return data.subarray(origin, origin + sizeOf(box.shape)) as T;
  }
  const part = new (data.constructor as new (length: number) => T)(sizeOf(box.shape));
  eachRun(box, shape, (inArray, inBox, length) => part.set(data.subarray(inArray, inArray + length), inBox));
  return part;
}

/** Put the values of a box in their place. */
export function writeBox(part: TypedArray, data: TypedArray, shape: readonly number[], box: Box): void {
  eachRun(box, shape, (inArray, inBox, length) => data.set(part.subarray(inBox, inBox + length), inArray));
}
