import { backend_util } from '@tensorflow/tfjs-core';
import type { Builder } from './builder';
import { input, operands, output, type Lowering, type LoweringTable } from './lowering';
import { sizeOf, type Tensor } from './tensor';

const reshape: Lowering = (b, call) => b.reshape(operands(call)[0]!, output(call).shape);

/** Each axis is repeated as an axis of its own in front of it. */
const tile: Lowering = (b, call) => {
  const x = input(call, 'x');
  const reps = call.attributes.reps as number[];
  const shape = x.shape.flatMap((length, axis) => [reps[axis]!, length]);
  return b.reshape(b.broadcastIn(x, shape, x.shape.map((_, axis) => 2 * axis + 1)), output(call).shape);
};

const pad: Lowering = (b, { inputs: { x }, attributes }) => {
  const paddings = attributes.paddings as [number, number][];
  return b.pad(x!, attributes.constantValue as number, paddings.map(([before]) => before), paddings.map(([, after]) => after));
};

const mirrorPad: Lowering = (b, { inputs: { x }, attributes }) => {
  const shift = attributes.mode === 'reflect' ? 1 : 0;
  return (attributes.paddings as [number, number][]).reduce((value, [before, after], axis) => {
    const length = value.shape[axis]!;
    const parts = [
      ...(before > 0 ? [b.reverse(b.sliceAxis(value, axis, shift, before), [axis])] : []),
      value,
      ...(after > 0 ? [b.reverse(b.sliceAxis(value, axis, length - after - shift, after), [axis])] : []),
    ];
    return b.concat(parts, axis);
  }, x!);
};

const concat: Lowering = (b, call) => {
  const axis = call.attributes.axis as number;
  return b.concat(operands(call).filter((part) => sizeOf(part.shape) > 0 || sizeOf(output(call).shape) === 0), axis);
};

const pack: Lowering = (b, call) => {
  const axis = call.attributes.axis as number;
  const shape = output(call).shape.with(axis, 1);
  return b.concat(operands(call).map((part) => b.reshape(part, shape)), axis);
};

const unpack: Lowering = (b, call) => {
  const axis = call.attributes.axis as number;
  return call.outputs.map(({ shape }, i) => b.reshape(b.sliceAxis(input(call, 'value'), axis, i, 1), shape));
};

const split: Lowering = (b, { inputs: { x }, attributes, outputs }) => {
  const axis = attributes.axis as number;
  let from = 0;
  return outputs.map(({ shape }) => {
    const part = b.sliceAxis(x!, axis, from, shape[axis]!);
    from += shape[axis]!;
    return part;
  });
};

/** start + i · step */
function progression(b: Builder, start: number, step: number, { shape, type }: Pick<Tensor, 'shape' | 'type'>): Tensor {
  return b.plus(b.times(b.iota(shape, 0, type), step), start);
}

const sequence: Lowering = (b, call) => {
  const { start, stop, step } = call.attributes as { start: number; stop: number; step: number };
  // tfjs turns the default step around where the sequence falls.
  return progression(b, start, stop < start && step === 1 ? -1 : step, output(call));
};

const linSpace: Lowering = (b, call) => {
  const { start, stop, num } = call.attributes as { start: number; stop: number; num: number };
  return progression(b, start, num > 1 ? (stop - start) / (num - 1) : 0, output(call));
};

const depthToSpace: Lowering = (b, call) => {
  const x = input(call, 'x');
  const k = call.attributes.blockSize as number;
  const [n, p, q, r] = x.shape as [number, number, number, number];
  const { shape } = output(call);
  if (call.attributes.dataFormat === 'NCHW') {
    return b.reshape(b.transpose(b.reshape(x, [n, k, k, p / (k * k), q, r]), [0, 3, 4, 1, 5, 2]), shape);
  }
  return b.reshape(b.transpose(b.reshape(x, [n, p, q, k, k, r / (k * k)]), [0, 1, 3, 2, 4, 5]), shape);
};

const batchToSpace: Lowering = (b, call) => {
  const x = input(call, 'x');
  const block = call.attributes.blockShape as number[];
  const crops = call.attributes.crops as number[][];
  const product = sizeOf(block);
  const split = b.reshape(x, backend_util.getReshaped([...x.shape], block, product));
  const permuted = b.transpose(split, backend_util.getPermuted(split.shape.length, block.length));
  const joined = b.reshape(permuted, backend_util.getReshapedPermuted([...x.shape], block, product));
  const amounts = joined.shape.map((_, axis) => crops[axis - 1] ?? [0, 0]);
  return b.pad(joined, 0, amounts.map(([before]) => -before! || 0), amounts.map(([, after]) => -after! || 0));
};

const spaceToBatch: Lowering = (b, call) => {
  const x = input(call, 'x');
  const block = call.attributes.blockShape as number[];
  const paddings = call.attributes.paddings as number[][];
  const amounts = x.shape.map((_, axis) => paddings[axis - 1] ?? [0, 0]);
  const padded = b.pad(x, 0, amounts.map(([before]) => before!), amounts.map(([, after]) => after!));
  const split = b.reshape(padded, backend_util.getReshaped([...padded.shape], block, sizeOf(block), false));
  return b.reshape(b.transpose(split, backend_util.getPermuted(split.shape.length, block.length, false)), output(call).shape);
};

const diag: Lowering = (b, call) => {
  const x = input(call, 'x');
  const n = sizeOf(x.shape);
  const onDiagonal = b.compare('EQ', b.iota([n, n], 0), b.iota([n, n], 1));
  return b.reshape(b.select(onDiagonal, b.reshape(x, [1, n]), b.splat(0, { shape: [n, n], type: x.type })), output(call).shape);
};

export const shape: LoweringTable = {
  BatchToSpaceND: batchToSpace,
  Concat: concat,
  DepthToSpace: depthToSpace,
  Diag: diag,
  ExpandDims: reshape,
  Fill: (b, call) => b.splat(call.attributes.value as number, output(call)),
  LinSpace: linSpace,
  MirrorPad: mirrorPad,
  Pack: pack,
  PadV2: pad,
  Range: sequence,
  Reshape: reshape,
  Reverse: (b, { inputs: { x }, attributes }) => b.reverse(x!, attributes.dims as number[]),
  SpaceToBatchND: spaceToBatch,
  SplitV: split,
  Tile: tile,
  Transpose: (b, { inputs: { x }, attributes }) => b.transpose(x!, attributes.perm as number[]),
  Unpack: unpack,
};
