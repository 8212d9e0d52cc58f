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

const asPlaces = (b: Builder, rows: Tensor): Tensor => b.reshape(rows, [rows.shape[0]!, 1]);

const takeRows: Lowering = (b, call) => take(b, input(call, 'x'), input(call, 'rows'), 0);

const takeRowsGrad: Lowering = (b, call) =>
  scatterAt(b, b.splat(0, output(call)), asPlaces(b, input(call, 'rows')), input(call, 'dy'), 'add', true);

const addScaledRows: Lowering = (b, call) => {
  const { gamma, rows } = call.inputs;
  const [x, y] = [input(call, 'x'), scaled(b, input(call, 'y'), gamma, call.attributes.scale as number)];
  return rows === undefined ? b.add(x, y) : scatterAt(b, x, asPlaces(b, rows), y, 'add', true);
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
