import type { HostArray, VitConfig } from '@dinov2/vit';
import type { GraphBuilder } from './graph';

/** Scalars of the graph: patches down and across, int64 of rank 0. */
export interface PatchGrid {
  readonly rows: string;
  readonly columns: string;
}

/**
 * Position table resampled to the grid of the input: (1, N, D) float32. Bicubic resampling is
 * separable, so it is two matrix products with (to, from) weights that the graph computes from the
 * grid. `Resize` is not used: its antialiased and offset forms differ between runtimes.
 *
 * @param table - `pos_embed`, (1, 1 + M·M, D).
 */
export function resampledPositions(g: GraphBuilder, config: VitConfig, table: HostArray, grid: PatchGrid): string {
  const D = config.embedDim;
  const M = config.imageSize / config.patchSize;
  const patches = g.weight('pos_embed', [M, M * D], () => table.data.subarray(D));
  const weights = axisWeights(g, config, grid);
  const down = g.op('Reshape', [g.op('MatMul', [weights.rows, patches]), g.ints(-1, M, D)]); // (rows, M, D)
  const across = g.op('MatMul', [weights.columns, down]); // (rows, columns, D)
  return g.op('Reshape', [across, g.ints(1, -1, D)], {}, { name: 'positions' });
}

/** Matrices (rows, M) and (columns, M) of bicubic resampling from M samples. */
function axisWeights(g: GraphBuilder, { imageSize, patchSize, interpolation }: VitConfig, grid: PatchGrid): PatchGrid {
  const M = imageSize / patchSize;
  const { offset, antialias } = interpolation;
  const number = (value: string): string => g.op('Cast', [value], { to: 1 });
  const isSide = (size: string): string => g.op('Equal', [size, g.int(M)]);
  // The table's own grid, both ways, is ratio 1, where every weight is exactly 0 or 1.
  const isTable = offset === 0 ? undefined : g.op('And', [isSide(grid.rows), isSide(grid.columns)]);

  const weights = antialias ? antialiased(g, M) : clamped(g, M);
  const matrix = (size: string): string => {
    const scaled = number(size);
    const target =
      isTable === undefined
        ? scaled
        : g.op('Where', [isTable, scaled, g.op('Add', [scaled, g.float(offset)])]);
    const ratio = g.op('Div', [g.float(M), target]);
    const index = number(g.op('Range', [g.int(0), size, g.int(1)]));
    const center = g.op('Mul', [ratio, g.op('Add', [index, g.float(0.5)])]); // (size)
    const column = g.op('Unsqueeze', [center, g.ints(1)]); // (size, 1)
    return weights(column, ratio);
  };
  return { rows: matrix(grid.rows), columns: matrix(grid.columns) };
}

/** Weights (size, M) for sample centres (size, 1), in the table's pixels, that lie `ratio` apart. */
type AxisWeights = (center: string, ratio: string) => string;

/** Four taps of the cubic with a = -0.75; samples beyond the edge repeat the last one. */
function clamped(g: GraphBuilder, M: number): AxisWeights {
  // Taps reach two samples beyond either end.
  const padded = M + 4;
  const taps = g.weight('positions.taps', [1, padded], () => Float32Array.from({ length: padded }, (_, j) => j - 2 + 0.5));
  const fold = g.weight('positions.edges', [padded, M], () => {
    const matrix = new Float32Array(padded * M);
    for (let j = 0; j < padded; j++) matrix[j * M + Math.min(M - 1, Math.max(0, j - 2))] = 1;
    return matrix;
  });
  return (center) => g.op('MatMul', [cubic(g, -0.75, g.op('Abs', [g.op('Sub', [taps, center])])), fold]);
}

/** The cubic with a = -0.5, stretched when it shrinks; samples beyond the edge weigh nothing. */
function antialiased(g: GraphBuilder, M: number): AxisWeights {
  const taps = g.weight('positions.taps', [1, M], () => Float32Array.from({ length: M }, (_, j) => j + 0.5));
  return (center, ratio) => {
    const stretch = g.op('Max', [ratio, g.float(1)]);
    const distance = g.op('Div', [g.op('Abs', [g.op('Sub', [taps, center])]), stretch]);
    const weights = cubic(g, -0.5, distance);
    return g.op('Div', [weights, g.op('ReduceSum', [weights, g.ints(1)])]);
  };
}

/**
 * Keys' cubic kernel of distances ≥ 0. Its pieces vanish at the ends of [0, 1] and [1, 2] where they
 * meet, so it is the sum of both at distances clipped to their intervals.
 */
function cubic(g: GraphBuilder, a: number, distance: string): string {
  const clip = (low: number, high: number): string => g.op('Clip', [distance, g.float(low), g.float(high)]);
  const horner = (x: string, coefficients: readonly number[]): string =>
    coefficients.slice(1).reduce(
      (sum, coefficient) => g.op('Add', [g.op('Mul', [sum, x]), g.float(coefficient)]),
      g.op('Mul', [x, g.float(coefficients[0]!)]),
    );
  const near = clip(0, 1);
  const far = clip(1, 2);
  // ((a+2) d - (a+3)) d² + 1
  const inner = horner(near, [a + 2, -(a + 3)]);
  const nearPiece = g.op('Add', [g.op('Mul', [inner, g.op('Mul', [near, near])]), g.float(1)]);
  // ((a d - 5a) d + 8a) d - 4a
  const farPiece = horner(far, [a, -5 * a, 8 * a, -4 * a]);
  return g.op('Add', [nearPiece, farPiece]);
}
