import { ints, type, type Attributes, type Builder, type Tensor } from '../builder';
import { pad, slice } from './lowering';

/** One spatial axis of a convolution or a pooling. */
export interface WindowAxis {
  readonly length: number;
  /** Zeros in front. */
  readonly before: number;
  readonly out: number;
  readonly stride: number;
  /** Length of the window, holes of a dilated one included. */
  readonly window: number;
}

/** Length that the windows cover, padding included; more where that gives the same number of windows. */
function framed({ length, before, out, stride, window }: WindowAxis): number {
  const reach = (out - 1) * stride + window;
  const there = length + before;
  return there >= reach && Math.floor((there - window) / stride) + 1 === out ? there : reach;
}

const inner = (shape: readonly number[], axes: readonly WindowAxis[], at: (axis: WindowAxis) => number): number[] => [
  shape[0],
  ...axes.map(at),
  shape[axes.length + 1],
];

/**
 * Pad or cut a (B, …spatial, C) tensor so that windows without padding fit it exactly. Padding follows
 * from the sizes, not from its name: for a number tfjs computes the width with the height of the filter.
 */
export function frame(b: Builder, x: Tensor, axes: readonly WindowAxis[], value = 0): Tensor {
  const after = (axis: WindowAxis) => Math.max(0, framed(axis) - axis.length - axis.before);
  const padded = pad(b, x, [[0, 0], ...axes.map((axis) => [axis.before, after(axis)]), [0, 0]], value);
  return slice(b, padded, padded.shape.map(() => 0), inner(x.shape, axes, framed));
}

/** The transpose of {@link frame}: what was padded is dropped, what was cut is zero. */
export function unframe(b: Builder, dx: Tensor, axes: readonly WindowAxis[]): Tensor {
  const missing = (axis: WindowAxis) => Math.max(0, axis.length + axis.before - framed(axis));
  const padded = pad(b, dx, [[0, 0], ...axes.map((axis) => [0, missing(axis)]), [0, 0]]);
  return slice(b, padded, [0, ...axes.map(({ before }) => before), 0], inner(dx.shape, axes, ({ length }) => length));
}

export const framedShape = (shape: readonly number[], axes: readonly WindowAxis[]): number[] => inner(shape, axes, framed);

export const isFramed = (axes: readonly WindowAxis[]): boolean => axes.some((axis) => framed(axis) > axis.length);

/** Attributes of an op without padding. */
export const valid = (strides: readonly number[], t: Attributes[string] = type('float32')): Attributes => ({
  T: t,
  strides: ints(1, ...strides, 1),
  padding: { s: 'VALID' },
});

