import type { GraphBuilder } from './graph';
import { dataTypes } from './messages';

/** Patches down and across, int64 of rank 0: the size of the input is known only when the graph runs. */
export interface PatchGrid {
  readonly rows: string;
  readonly columns: string;
}

/** The grid of a patch convolution's output, (B, D, rows, columns). */
export function patchGrid(g: GraphBuilder, convolved: string): PatchGrid {
  const size = (axis: number): string =>
    g.op('Squeeze', [g.op('Shape', [convolved], { start: axis, end: axis + 1 }), g.ints(0)]);
  return { rows: size(2), columns: size(3) };
}

/** 0.5, 1.5, … of the centres of `size` patches, (size) float32. */
export function patchCenters(g: GraphBuilder, size: string): string {
  const index = toFloat32(g, g.op('Range', [g.int(0), size, g.int(1)]));
  return g.op('Add', [index, g.number(0.5, 'float32')]);
}

export function toFloat32(g: GraphBuilder, value: string): string {
  return g.op('Cast', [value], { to: dataTypes.float32 });
}

/** The same value in the model's precision. */
export function fromFloat32(g: GraphBuilder, value: string): string {
  return g.precision === 'float32' ? value : g.op('Cast', [value], { to: dataTypes[g.precision] });
}
