import { backend_util } from '@tensorflow/tfjs-core';
import type { Builder } from '../builder';
import { bytesOf, sizeOf } from '../element-type';
import type { Tensor } from '../program';
import { transpose, withAxis, type Lowering, type LoweringTable } from './lowering';

/** Axes before `axis` all have length 1: parts along `axis` lie one after the other. */
const outermost = (shape: readonly number[], axis: number): boolean => sizeOf(shape.slice(0, axis)) === 1;

/** A box of a tensor; a view if it is contiguous. */
export function slice(b: Builder, x: Tensor, begin: readonly number[], size: readonly number[]): Tensor {
  const cut = size.findIndex((length, axis) => length !== x.shape[axis]);
  if (cut < 0) return x;
  const contiguous = size.every((length, axis) => axis <= cut || length === x.shape[axis]);
  if (contiguous && outermost(size, cut)) {
    const inner = bytesOf(x.shape.slice(cut + 1), x.type);
    return b.view(x, size, x.type, begin[cut] * inner);
  }
  const end = begin.map((from, axis) => from + size[axis]);
  return b.ort('Slice', [x, b.integers(begin), b.integers(end)], { shape: size, type: x.type });
}

/** Join along an axis; parts of the outermost axis are written in place by their producers. */
function concat(b: Builder, parts: readonly Tensor[], axis: number): Tensor {
  const nonEmpty = parts.filter((part) => sizeOf(part.shape) > 0);
  if (nonEmpty.length === 1) return nonEmpty[0];
  const length = parts.reduce((sum, part) => sum + part.shape[axis], 0);
  const { type } = parts[0];
  const shape = withAxis(parts[0].shape, axis, length);
  if (!outermost(shape, axis)) return b.ort('Concat', nonEmpty, { shape, type }, { attributes: { axis } });
  const whole = b.empty(shape, type);
  let offset = 0;
  for (const part of nonEmpty) {
    b.place(part, whole, offset);
    offset += bytesOf(part.shape, type);
  }
  return whole;
}

const reshape: Lowering = (b, { inputs, outputs: [y] }) => b.view(Object.values(inputs)[0], y.shape);

const tile: Lowering = (b, { inputs: { x }, attributes, outputs: [y] }) =>
  b.ort('Tile', [x, b.integers(attributes.reps as number[])], y);

const broadcastTo: Lowering = (b, { inputs: { x }, outputs: [y] }) => b.ort('Expand', [x, b.integers(y.shape)], y);

const pad: Lowering = (b, { inputs: { x }, attributes, outputs: [y] }) => {
  const paddings = attributes.paddings as [number, number][];
  const amounts = b.integers([...paddings.map(([before]) => before), ...paddings.map(([, after]) => after)]);
  if (attributes.mode !== undefined) return mirrorPad(b, x, paddings, attributes.mode as string);
  return b.ort('Pad', [x, amounts, b.scalar(attributes.constantValue as number, x.type)], y);
};

/** Gather with mirrored positions, axis by axis: ONNX has no symmetric mode. */
function mirrorPad(b: Builder, x: Tensor, paddings: readonly [number, number][], mode: string): Tensor {
  const shift = mode === 'reflect' ? 0 : 1;
  return paddings.reduce((value, [before, after], axis) => {
    if (before + after === 0) return value;
    const length = value.shape[axis];
    const positions = Array.from({ length: before + length + after }, (_, i) => {
      const at = i - before;
      if (at < 0) return -at - shift;
      return at < length ? at : 2 * (length - 1) - at + shift;
    });
    return b.ort(
      'Gather',
      [value, b.integers(positions)],
      { shape: withAxis(value.shape, axis, positions.length), type: value.type },
      { attributes: { axis } },
    );
  }, x);
}

const pack: Lowering = (b, { inputs, attributes, outputs: [y] }) => {
  const axis = attributes.axis as number;
  const parts = Object.values(inputs).map((part) => b.view(part, withAxis(y.shape, axis, 1)));
  return b.view(concat(b, parts, axis), y.shape);
};

const unpack: Lowering = (b, { inputs: { value }, attributes, outputs }) => {
  const axis = attributes.axis as number;
  const size = withAxis(value.shape, axis, 1);
  return outputs.map((output, i) => b.view(slice(b, value, value.shape.map((_, a) => (a === axis ? i : 0)), size), output.shape));
};

const split: Lowering = (b, { inputs: { x }, attributes, outputs }) => {
  const axis = attributes.axis as number;
  let from = 0;
  return outputs.map(({ shape }) => {
    const part = slice(b, x, shape.map((_, a) => (a === axis ? from : 0)), shape);
    from += shape[axis];
    return part;
  });
};

/** One gather with falling positions per axis. */
export function reverse(b: Builder, x: Tensor, axes: readonly number[]): Tensor {
  return axes.reduce((value, axis) => {
    const length = value.shape[axis];
    const positions = b.integers(Array.from({ length }, (_, i) => length - 1 - i));
    return b.ort('Gather', [value, positions], value, { attributes: { axis } });
  }, x);
}

const range: Lowering = (b, { attributes, outputs: [y] }) => {
  const { start, step } = attributes as { start: number; step: number };
  const values = Array.from({ length: y.shape[0] }, (_, i) => start + i * step);
  return b.constant(y.type === 'int32' ? Int32Array.from(values) : Float32Array.from(values), y.shape, y.type);
};

const linSpace: Lowering = (b, { attributes, outputs: [y] }) => {
  const { start, stop, num } = attributes as { start: number; stop: number; num: number };
  const step = num > 1 ? (stop - start) / (num - 1) : 0;
  return b.constant(Float32Array.from({ length: num }, (_, i) => start + i * step), y.shape, 'float32');
};

const depthToSpace: Lowering = (b, { inputs: { x }, attributes, outputs: [y] }) => {
  const k = attributes.blockSize as number;
  if (attributes.dataFormat === 'NCHW') {
    const [n, c, h, w] = x.shape;
    const split = b.view(x, [n, k, k, c / (k * k), h, w]);
    return b.view(transpose(b, split, [0, 3, 4, 1, 5, 2]), y.shape);
  }
  const [n, h, w, c] = x.shape;
  return b.view(transpose(b, b.view(x, [n, h, w, k, k, c / (k * k)]), [0, 1, 3, 2, 4, 5]), y.shape);
};

const batchToSpace: Lowering = (b, { inputs: { x }, attributes }) => {
  const block = attributes.blockShape as number[];
  const crops = attributes.crops as number[][];
  const product = sizeOf(block);
  const shape = [...x.shape];
  const split = b.view(x, backend_util.getReshaped(shape, block, product));
  const permuted = transpose(b, split, backend_util.getPermuted(split.shape.length, block.length));
  const joined = b.view(permuted, backend_util.getReshapedPermuted(shape, block, product));
  const rest = joined.shape.slice(block.length + 1);
  return slice(
    b,
    joined,
    [...backend_util.getSliceBeginCoords(crops, block.length), ...rest.map(() => 0)],
    [...backend_util.getSliceSize([...joined.shape], crops, block.length), ...rest],
  );
};

const spaceToBatch: Lowering = (b, { inputs: { x }, attributes, outputs: [y] }) => {
  const block = attributes.blockShape as number[];
  const paddings = attributes.paddings as number[][];
  const rest = x.shape.length - 1 - block.length;
  const pairs = [[0, 0], ...paddings, ...Array.from({ length: rest }, () => [0, 0])];
  const shape = x.shape.map((length, i) => length + pairs[i][0] + pairs[i][1]);
  const padded = pairs.every(([before, after]) => before + after === 0)
    ? x
    : b.ort(
        'Pad',
        [x, b.integers([...pairs.map(([before]) => before), ...pairs.map(([, after]) => after)]), b.scalar(0, x.type)],
        { shape, type: x.type },
      );
  const product = sizeOf(block);
  const split = b.view(padded, backend_util.getReshaped(shape, block, product, false));
  const permuted = transpose(b, split, backend_util.getPermuted(split.shape.length, block.length, false));
  return b.view(permuted, y.shape);
};

const diag: Lowering = (b, { inputs: { x }, outputs: [y] }) => {
  const n = sizeOf(x.shape);
  const identity = b.constant(Float32Array.from({ length: n * n }, (_, i) => (i % (n + 1) === 0 ? 1 : 0)), [n, n], 'float32');
  const row = b.view(b.cast(x, 'float32'), [1, n]);
  const product = b.ort('Mul', [row, identity], { shape: [n, n], type: 'float32' });
  return b.cast(b.view(product, y.shape), y.type);
};

export const shape: LoweringTable = {
  BatchToSpaceND: batchToSpace,
  BroadcastTo: broadcastTo,
  Concat: (b, { inputs, attributes }) => concat(b, Object.values(inputs), attributes.axis as number),
  DepthToSpace: depthToSpace,
  Diag: diag,
  ExpandDims: reshape,
  Fill: (b, { attributes, outputs: [y] }) => b.fill(attributes.value as number, y.shape, y.type),
  LinSpace: linSpace,
  MirrorPad: pad,
  OnesLike: (b, { outputs: [y] }) => b.fill(1, y.shape, y.type),
  Pack: pack,
  PadV2: pad,
  Range: range,
  Reshape: reshape,
  Reverse: (b, { inputs: { x }, attributes }) => reverse(b, x, attributes.dims as number[]),
  SpaceToBatchND: spaceToBatch,
  SplitV: split,
  Tile: tile,
  Transpose: (b, { inputs: { x }, attributes }) => transpose(b, x, attributes.perm as number[]),
  Unpack: unpack,
  ZerosLike: (b, { outputs: [y] }) => b.fill(0, y.shape, y.type),
};

