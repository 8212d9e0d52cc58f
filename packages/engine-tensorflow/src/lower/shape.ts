import { type, type Builder, type Tensor } from '../builder';
import { concat, iota, pad, transpose, type Lowering, type LoweringTable } from './lowering';

const reshape: Lowering = (b, { inputs, outputs: [y] }) => b.reshape(Object.values(inputs)[0], y.shape);

const tile: Lowering = (b, { inputs: { x }, attributes, outputs: [y] }) =>
  b.op('Tile', [x, b.integers(attributes.reps as number[])], y, { T: type(x), Tmultiples: type('int32') });

const mirrorPad: Lowering = (b, { inputs: { x }, attributes, outputs: [y] }) => {
  const paddings = attributes.paddings as [number, number][];
  return b.op('MirrorPad', [x, b.integers(paddings.flat(), [paddings.length, 2])], y, {
    T: type(x),
    Tpaddings: type('int32'),
    mode: { s: (attributes.mode as string).toUpperCase() },
  });
};

const pack: Lowering = (b, { inputs, attributes, outputs: [y] }) => {
  const parts = Object.values(inputs);
  return b.op('Pack', parts, y, { N: { i: parts.length }, T: type(y.type), axis: { i: attributes.axis as number } });
};

const unpack: Lowering = (b, { inputs: { value }, attributes, outputs }) =>
  b.ops('Unpack', [value], outputs, { num: { i: outputs.length }, T: type(value), axis: { i: attributes.axis as number } });

const split: Lowering = (b, { inputs: { x }, attributes, outputs }) => {
  const axis = attributes.axis as number;
  if (outputs.length === 1) return b.op('Identity', [x], x, { T: type(x) });
  const sizes = b.integers(outputs.map(({ shape }) => shape[axis]));
  return b.ops('SplitV', [x, sizes, b.scalar(axis, 'int32')], outputs, {
    num_split: { i: outputs.length },
    T: type(x),
    Tlen: type('int32'),
  });
};

export function reverse(b: Builder, x: Tensor, axes: readonly number[]): Tensor {
  if (axes.length === 0) return x;
  return b.op('ReverseV2', [x, b.integers(axes)], x, { T: type(x), Tidx: type('int32') });
}

const range: Lowering = (b, { attributes, outputs: [y] }) => {
  const { start, step } = attributes as { start: number; step: number };
  const values = iota(y.shape[0]).map((i) => start + i * step);
  return b.constant(y.type === 'int32' ? Int32Array.from(values) : Float32Array.from(values), y.shape, y.type);
};

const linSpace: Lowering = (b, { attributes, outputs: [y] }) => {
  const { start, stop, num } = attributes as { start: number; stop: number; num: number };
  const step = num > 1 ? (stop - start) / (num - 1) : 0;
  return b.constant(Float32Array.from(iota(num), (i) => start + i * step), y.shape, 'float32');
};

const depthToSpace: Lowering = (b, { inputs: { x }, attributes, outputs: [y] }) => {
  const k = attributes.blockSize as number;
  if (attributes.dataFormat === 'NCHW') {
    const [n, c, h, w] = x.shape;
    const parts = b.reshape(x, [n, k, k, c / (k * k), h, w]);
    return b.reshape(transpose(b, parts, [0, 3, 4, 1, 5, 2]), y.shape);
  }
  return b.op('DepthToSpace', [x], y, { T: type(x), block_size: { i: k } });
};

const batchToSpace: Lowering = (b, { inputs: { x }, attributes, outputs: [y] }) => {
  const block = attributes.blockShape as number[];
  const crops = attributes.crops as number[][];
  return b.op('BatchToSpaceND', [x, b.integers(block), b.integers(crops.flat(), [crops.length, 2])], y, {
    T: type(x),
    Tblock_shape: type('int32'),
    Tcrops: type('int32'),
  });
};

const spaceToBatch: Lowering = (b, { inputs: { x }, attributes, outputs: [y] }) => {
  const block = attributes.blockShape as number[];
  const paddings = attributes.paddings as number[][];
  return b.op('SpaceToBatchND', [x, b.integers(block), b.integers(paddings.flat(), [paddings.length, 2])], y, {
    T: type(x),
    Tblock_shape: type('int32'),
    Tpaddings: type('int32'),
  });
};

const diag: Lowering = (b, { inputs: { x }, outputs: [y] }) => {
  const source = b.cast(x, y.type === 'bool' ? 'int32' : y.type);
  return b.cast(b.op('Diag', [source], { shape: y.shape, type: source.type }, { T: type(source) }), y.type);
};

export const shape: LoweringTable = {
  BatchToSpaceND: batchToSpace,
  Concat: (b, { inputs, attributes }) => concat(b, Object.values(inputs), attributes.axis as number),
  DepthToSpace: depthToSpace,
  Diag: diag,
  ExpandDims: reshape,
  Fill: (b, { attributes, outputs: [y] }) => b.fill(attributes.value as number, y.shape, y.type as 'float32'),
  LinSpace: linSpace,
  MirrorPad: mirrorPad,
  Pack: pack,
  PadV2: (b, { inputs: { x }, attributes }) => pad(b, x, attributes.paddings as [number, number][], attributes.constantValue as number),
  Range: range,
  Reshape: reshape,
  Reverse: (b, { inputs: { x }, attributes }) => reverse(b, x, attributes.dims as number[]),
  SpaceToBatchND: spaceToBatch,
  SplitV: split,
  Tile: tile,
  Transpose: (b, { inputs: { x }, attributes }) => transpose(b, x, attributes.perm as number[]),
  Unpack: unpack,
};
