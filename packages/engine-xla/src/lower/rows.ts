import type { Builder } from './builder';
import { scatterAt, take } from './indexing';
import { input, output, type Lowering, type LoweringTable } from './lowering';
import { sizeOf, type Tensor } from './tensor';

/** Primitives on distinct rows of the first axis. */

/** y · scale · gamma */
function scaled(b: Builder, y: Tensor, gamma: Tensor | undefined, scale: number): Tensor {
  if (gamma !== undefined) return b.multiply(y, b.times(gamma, scale));
  return scale === 1 ? y : b.times(y, scale);
}

/**
 * Row `rows[j]` of a tensor of `size` rows from row j of x, zeros elsewhere. Read by the inverse index instead of scattered,
 * so that it becomes a part of the computation around it.
 */
function spreadRows(b: Builder, x: Tensor, rows: Tensor, size: number): Tensor {
  const count = x.shape[0]!;
  const absent = b.splat(count, { shape: [size], type: 'i32' });
  const source = scatterAt(b, absent, b.reshape(rows, [count, 1]), b.iota([count], 0), 'replace', true);
  const isThere = b.reshape(b.compare('LT', source, count), [size, ...x.shape.slice(1).map(() => 1)]);
  return b.select(isThere, take(b, x, b.minimum(source, b.scalar(count - 1, 'i32')), 0), b.scalar(0, x.type));
}

const takeRows: Lowering = (b, call) => take(b, input(call, 'x'), input(call, 'rows'), 0);

const takeRowsGrad: Lowering = (b, call) => spreadRows(b, input(call, 'dy'), input(call, 'rows'), output(call).shape[0]!);

const addScaledRows: Lowering = (b, call) => {
  const { gamma, rows } = call.inputs;
  const [x, y] = [input(call, 'x'), scaled(b, input(call, 'y'), gamma, call.attributes.scale as number)];
  return b.add(x, rows === undefined ? y : spreadRows(b, y, rows, x.shape[0]!));
};

const addScaledRowsGrad: Lowering = (b, call) => {
  const { gamma, rows } = call.inputs;
  const scale = call.attributes.scale as number;
  const [dout, y] = [input(call, 'dout'), input(call, 'y')];
  const taken = rows === undefined ? dout : take(b, dout, rows, 0);
  const dy = scaled(b, taken, gamma, scale);
  if (gamma === undefined) return dy;
  const width = sizeOf(gamma.shape);
  const products = b.reshape(b.multiply(taken, y), [sizeOf(y.shape) / width, width]);
  return [dy, b.times(b.reduce('add', products, [0]), scale)];
};

export const rowOps: LoweringTable = {
  AddScaledRows: addScaledRows,
  AddScaledRowsGrad: addScaledRowsGrad,
  TakeRows: takeRows,
  TakeRowsGrad: takeRowsGrad,
};
