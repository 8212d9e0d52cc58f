import type { HostArray, VitConfig } from '@dinov2/vit';
import type { GraphBuilder } from './graph';
import { fromFloat32, patchCenters, type PatchGrid, toFloat32 } from './patch-grid';

/** Factors of the rotation of queries and keys, (1 + R + N, D / heads) each. */
export interface Rotation {
  readonly cos: string;
  /** Negative in the first half of each head. */
  readonly sin: string;
}

/**
 * Rotary positions (DINOv3) of the input's grid: patch centres from −1 to 1 on each axis turn by
 * 2π · centre / period; class and register tokens are left as they are. Angles are float32.
 *
 * @param periods - `rope_embed.periods`, (F) with F = D / heads / 4.
 */
export function rotaryPositions(g: GraphBuilder, config: VitConfig, periods: HostArray, grid: PatchGrid): Rotation {
  const constant = (value: number): string => g.number(value, 'float32');
  const F = periods.data.length;
  const frequencies = g.weight('rope_embed.frequencies', [F], () => periods.data.map((period) => (2 * Math.PI) / period), 'float32');
  const vector = (size: string): string => g.op('Unsqueeze', [size, g.ints(0)]);
  const shape = g.op('Concat', [vector(grid.rows), vector(grid.columns), g.ints(F)], { axis: 0 });

  /** Angles of one axis for every patch, (rows, columns, F). */
  const angles = (count: string, position: readonly number[]): string => {
    const shares = g.op('Div', [patchCenters(g, count), toFloat32(g, count)]);
    const coordinates = g.op('Sub', [g.op('Mul', [shares, constant(2)]), constant(1)]);
    const turns = g.op('Mul', [g.op('Reshape', [coordinates, g.ints(...position)]), frequencies]);
    return g.op('Expand', [turns, shape]);
  };
  const both = g.op('Concat', [angles(grid.rows, [-1, 1, 1]), angles(grid.columns, [1, -1, 1])], { axis: 2 });
  const patches = g.op('Reshape', [both, g.ints(-1, 2 * F)]);
  const prefix = 1 + config.registers;
  const zeros = g.weight('rope_embed.prefix', [prefix, 2 * F], () => new Float32Array(prefix * 2 * F), 'float32');
  const angle = g.op('Concat', [zeros, patches], { axis: 0 });
  const [cos, sin] = [g.op('Cos', [angle]), g.op('Sin', [angle])];
  return {
    cos: fromFloat32(g, g.op('Concat', [cos, cos], { axis: 1 })),
    sin: fromFloat32(g, g.op('Concat', [g.op('Neg', [sin]), sin], { axis: 1 })),
  };
}

/** Rotate (B, n, 1 + R + N, d): pairs are the first and the second half of d. */
export function rotate(g: GraphBuilder, x: string, d: number, { cos, sin }: Rotation): string {
  const [first, second] = g.split(x, [d / 2, d / 2], 3) as [string, string];
  const swapped = g.op('Concat', [second, first], { axis: 3 });
  return g.op('Add', [g.op('Mul', [x, cos]), g.op('Mul', [swapped, sin])]);
}
