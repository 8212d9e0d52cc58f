import { slice_util } from '@tensorflow/tfjs-core';
import type { Builder } from '../builder';
import { sizeOf } from '../element-type';
import type { Tensor } from '../program';
import { zip } from './elementwise';
import { asBytes, withAxis, type Lowering, type LoweringTable } from './lowering';
import { slice } from './shape';

const iota = (n: number): number[] => Array.from({ length: n }, (_, i) => i);

/** Axes before `batchDims` are looped over by adding the batch's offset to the indices of a flat gather. */
const gather: Lowering = (b, { inputs: { x, indices }, attributes, outputs: [y] }) => {
  const axis = attributes.axis as number;
  const batchDims = attributes.batchDims as number;
  if (batchDims === 0) return b.ort('Gather', [x, indices], y, { attributes: { axis } });
  const batch = sizeOf(x.shape.slice(0, batchDims));
  const middle = x.shape.slice(batchDims, axis);
  const length = x.shape[axis];
  const inner = sizeOf(x.shape.slice(axis + 1));
  const count = sizeOf(indices.shape.slice(batchDims));
  const outer = sizeOf(middle);
  // Flat rows are (batch, middle, axis): index = (batch · outer + middle) · length + i.
  const offsets = b.constant(
    Int32Array.from(iota(batch * outer), (i) => i * length),
    [batch, outer, 1],
    'int32',
  );
  const rows = zip(b, 'Add', b.view(indices, [batch, 1, count]), offsets); // (batch, outer, count)
  const flat = b.view(x, [batch * outer * length, inner]);
  const taken = b.ort('Gather', [flat, rows], { shape: [batch, outer, count, inner], type: x.type }, { attributes: { axis: 0 } });
  return b.view(taken, y.shape);
};

const gatherNd: Lowering = (b, { inputs: { params, indices }, outputs: [y] }) => {
  if (indices.shape.at(-1) === 0) {
    return b.ort('Expand', [b.view(params, [...indices.shape.slice(0, -1).map(() => 1), ...params.shape]), b.integers(y.shape)], y);
  }
  return b.ort('GatherND', [params, b.cast(indices, 'int64')], y);
};

/** Rows of `updates` at `indices` (…, depth) of a tensor; equal indices add up or replace. */
function scatter(b: Builder, data: Tensor, indices: Tensor, updates: Tensor, reduction: 'add' | 'none'): Tensor {
  return b.ort('ScatterND', [data, b.cast(indices, 'int64'), updates], data, {
    attributes: { reduction },
    inPlace: [[0, 0]],
  });
}

const scatterNd: Lowering = (b, { inputs: { indices, updates }, outputs: [y] }) => {
  const depth = indices.shape.at(-1)!;
  const shape = [...indices.shape.slice(0, -1), ...y.shape.slice(depth)];
  return scatter(b, b.fill(0, y.shape, y.type), indices, b.view(updates, shape), 'add');
};

const tensorScatterUpdate: Lowering = (b, { inputs: { tensor, indices, updates } }) =>
  scatter(b, tensor, indices, updates, 'none');

const sparseToDense: Lowering = (b, { inputs, outputs: [y] }) => {
  const { sparseIndices, sparseValues, defaultValue } = inputs;
  const rank = y.shape.length;
  const count = sizeOf(sparseIndices.shape) / rank;
  const base = b.ort('Expand', [asBytes(b, defaultValue), b.integers(y.shape)], { shape: y.shape, type: asBytes(b, defaultValue).type });
  const values = asBytes(b, sparseValues);
  const updates =
    sizeOf(values.shape) === count
      ? b.view(values, [count])
      : b.ort('Expand', [values, b.integers([count])], { shape: [count], type: values.type });
  return b.view(scatter(b, base, b.view(sparseIndices, [count, rank]), updates, 'none'), y.shape, y.type);
};

/** Compare with every class: indices outside give a row of `offValue`. */
const oneHot: Lowering = (b, { inputs: { indices }, attributes, outputs: [y] }) => {
  const depth = attributes.depth as number;
  const classes = b.constant(Int32Array.from(iota(depth)), [depth], 'int32');
  const hit = zip(b, 'Equal', b.view(b.cast(indices, 'int32'), [...indices.shape, 1]), classes, 'bool');
  const type = y.type === 'bool' ? 'uint8' : y.type;
  const on = b.scalar(attributes.onValue as number, type);
  const off = b.scalar(attributes.offValue as number, type);
  return b.view(b.ort('Where', [hit, on, off], { shape: y.shape, type }), y.shape, y.type);
};

const stridedSlice: Lowering = (b, { inputs: { x }, attributes: a, outputs: [y] }) => {
  const numbers = (name: string) => a[name] as number[];
  const mask = (name: string) => a[name] as number;
  const info = slice_util.sliceInfo(
    [...x.shape],
    numbers('begin'),
    numbers('end'),
    numbers('strides'),
    mask('beginMask'),
    mask('endMask'),
    mask('ellipsisMask'),
    mask('newAxisMask'),
    mask('shrinkAxisMask'),
  );
  if (info.sliceDim0 || info.isSimpleSlice) {
    const size = slice_util.computeOutShape(info.begin, info.end, info.strides);
    return b.view(slice(b, x, info.begin, size), y.shape);
  }
  const positions = x.shape.map((_, axis) => {
    const count = slice_util.computeOutShape(info.begin, info.end, info.strides)[axis];
    return iota(count).map((i) => info.begin[axis] + i * info.strides[axis]);
  });
  const taken = positions.reduce(
    (value, at, axis) =>
      at.length === value.shape[axis] && at.every((position, i) => position === i)
        ? value
        : b.ort('Gather', [value, b.integers(at)], { shape: withAxis(value.shape, axis, at.length), type: value.type }, { attributes: { axis } }),
    x,
  );
  return b.view(taken, y.shape);
};

/** Sum of weights (or count of ones) per value, as a product with a one-hot matrix. Values outside are dropped. */
const denseBincount: Lowering = (b, { inputs: { x, weights }, attributes, outputs: [y] }) => {
  const bins = attributes.size as number;
  const count = x.shape.at(-1) ?? 1;
  const batch = sizeOf(x.shape) / count;
  const classes = b.constant(Int32Array.from(iota(bins)), [bins], 'int32');
  const hit = b.cast(zip(b, 'Equal', b.view(x, [batch, count, 1]), classes, 'bool'), 'float32'); // (batch, count, bins)
  const weighted =
    sizeOf(weights.shape) > 0 ? zip(b, 'Mul', hit, b.view(b.cast(weights, 'float32'), [batch, count, 1])) : hit;
  const type = attributes.binaryOutput ? 'ReduceMax' : 'ReduceSum';
  const source = attributes.binaryOutput ? hit : weighted;
  const sums = b.ort(type, [source, b.integers([1])], { shape: [batch, bins], type: 'float32' }, { attributes: { keepdims: 0 } });
  return b.cast(b.view(sums, y.shape), y.type);
};

/** Number of sorted values below (lower bound) or not above (upper bound) each value. */
const bound =
  (comparison: 'Less' | 'LessOrEqual'): Lowering =>
  (b, { inputs: { sortedSequence, values }, outputs: [y] }) => {
    const [batch, length] = sortedSequence.shape;
    const count = values.shape[1];
    const before = zip(
      b,
      comparison,
      b.view(b.cast(sortedSequence, 'float32'), [batch, 1, length]),
      b.view(b.cast(values, 'float32'), [batch, count, 1]),
      'bool',
    );
    return b.ort('ReduceSum', [b.cast(before, 'int32'), b.integers([2])], y, { attributes: { keepdims: 0 } });
  };

export const indexing: LoweringTable = {
  Bincount: denseBincount,
  DenseBincount: denseBincount,
  GatherNd: gatherNd,
  GatherV2: gather,
  LowerBound: bound('Less'),
  OneHot: oneHot,
  ScatterNd: scatterNd,
  SearchSorted: (b, call) => bound(call.attributes.side === 'right' ? 'LessOrEqual' : 'Less')(b, call),
  Slice: (b, { inputs: { x }, attributes }) => slice(b, x, attributes.begin as number[], attributes.size as number[]),
  SparseToDense: sparseToDense,
  StridedSlice: stridedSlice,
  TensorScatterUpdate: tensorScatterUpdate,
  UpperBound: bound('LessOrEqual'),
};
