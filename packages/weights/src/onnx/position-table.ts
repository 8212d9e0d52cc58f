import type { HostArray, VitConfig } from '@dinov2/vit';
import type { GraphBuilder } from './graph';
import { patchCenters, type PatchGrid, toFloat32 } from './patch-grid';

/**
 * Position table resampled to the grid of the input: (1, N, D) float32. Bicubic resampling is
 * separable, so it is two matrix products, with weights that the graph computes from the grid in
 * float32. The operator `Resize` would need a table of another layout, runtimes differ in which of its
 * modes they have, and where it is done pixel by pixel it is slower.
 *
 * @param table - `pos_embed`, (1, 1 + M·M, D).
 */
export function resampledPositions(g: GraphBuilder, config: VitConfig, table: HostArray, grid: PatchGrid): string {
  const D = config.embedDim;
  const M = config.imageSize / config.patchSize;
  const stored = g.weight('pos_embed', [M, M * D], () => table.data.subarray(D));
  const patches = g.precision === 'float32' ? stored : toFloat32(g, stored);
  const weights = bicubicWeights(g, M, config.interpolation, grid);
  const down = g.op('Reshape', [g.op('MatMul', [weights.rows, patches]), g.ints(-1, M, D)]); // (rows, M, D)
  const across = g.op('MatMul', [weights.columns, down]); // (rows, columns, D)
  return g.op('Reshape', [across, g.ints(1, -1, D)], {}, 'positions');
}

/** Matrices (rows, M) and (columns, M) that resample M samples. */
function bicubicWeights(
  g: GraphBuilder,
  M: number,
  { offset, antialias }: VitConfig['interpolation'],
  grid: PatchGrid,
): PatchGrid {
  const isSide = (size: string): string => g.op('Equal', [size, g.int(M)]);
  // The table's own grid, both ways, has ratio 1, where every weight is exactly 0 or 1.
  const isTable = offset === 0 ? undefined : g.op('And', [isSide(grid.rows), isSide(grid.columns)]);
  const weights = antialias ? antialiased(g, M) : clamped(g, M);

  const matrix = (count: string): string => {
    const size = toFloat32(g, count);
    const target =
      isTable === undefined
        ? size
        : g.op('Where', [isTable, size, g.op('Add', [size, g.number(offset, 'float32')])]);
    const ratio = g.op('Div', [g.number(M, 'float32'), target]);
    const centers = g.op('Mul', [ratio, patchCenters(g, count)]);
    return weights(g.op('Unsqueeze', [centers, g.ints(1)]), ratio);
  };
  return { rows: matrix(grid.rows), columns: matrix(grid.columns) };
}

/** Weights (size, M) at centres (size, 1), in pixels of the table, that lie `ratio` apart. */
type AxisWeights = (centers: string, ratio: string) => string;

/** Four taps of the cubic with a = -0.75; samples beyond an edge repeat the last one. */
function clamped(g: GraphBuilder, M: number): AxisWeights {
  // Taps reach two samples beyond either end.
  const padded = M + 4;
  const taps = pixelCenters(g, -2, padded);
  const edges = (): Float32Array => {
    const matrix = new Float32Array(padded * M);
    for (let j = 0; j < padded; j++) matrix[j * M + Math.min(M - 1, Math.max(0, j - 2))] = 1;
    return matrix;
  };
  const fold = g.weight('positions.edges', [padded, M], edges, 'float32');
  return (centers) => g.op('MatMul', [cubic(g, -0.75, distances(g, taps, centers)), fold]);
}

/** The cubic with a = -0.5, stretched where it shrinks; samples beyond an edge weigh nothing. */
function antialiased(g: GraphBuilder, M: number): AxisWeights {
  const taps = pixelCenters(g, 0, M);
  return (centers, ratio) => {
    const stretch = g.op('Max', [ratio, g.number(1, 'float32')]);
    const weights = cubic(g, -0.5, g.op('Div', [distances(g, taps, centers), stretch]));
    return g.op('Div', [weights, g.op('ReduceSum', [weights, g.ints(1)])]);
  };
}

/** (1, count): first + 0.5, first + 1.5, … */
function pixelCenters(g: GraphBuilder, first: number, count: number): string {
  const centers = (): Float32Array => Float32Array.from({ length: count }, (_, j) => first + j + 0.5);
  return g.weight('positions.taps', [1, count], centers, 'float32');
}

function distances(g: GraphBuilder, taps: string, centers: string): string {
  return g.op('Abs', [g.op('Sub', [taps, centers])]);
}

/**
 * Keys' cubic kernel of distances d ≥ 0. Its pieces vanish at the ends of [0, 1] and [1, 2], so it is the
 * sum of both, each at the distance clipped to its interval; factored by those zeros they lose no digits there.
 */
function cubic(g: GraphBuilder, a: number, distance: string): string {
  const constant = (value: number): string => g.number(value, 'float32');
  const clip = (low: number, high: number): string => g.op('Clip', [distance, constant(low), constant(high)]);
  const add = (x: string, y: string): string => g.op('Add', [x, y]);
  const subtract = (x: string, y: string): string => g.op('Sub', [x, y]);
  const multiply = (x: string, y: string): string => g.op('Mul', [x, y]);
  const square = (x: string): string => multiply(x, x);
  const one = constant(1);
  // (a+2) d³ - (a+3) d² + 1 = (1-d) (1 + d - (a+2) d²)
  const near = clip(0, 1);
  const nearPiece = multiply(subtract(one, near), subtract(add(one, near), multiply(square(near), constant(a + 2))));
  // a d³ - 5a d² + 8a d - 4a = a (d-1) (d-2)²
  const far = clip(1, 2);
  const farPiece = multiply(multiply(subtract(far, one), constant(a)), square(subtract(far, constant(2))));
  return add(nearPiece, farPiece);
}
