import { type, type Builder, type Tensor } from '../builder';
import { sizeOf } from '../element-type';
import { iota, numeric, select, slice, zip, compare, type Lowering, type LoweringTable } from './lowering';
import { segmentSum } from './reductions';

const gather: Lowering = (b, { inputs: { x, indices }, attributes, outputs: [y] }) =>
  b.op('GatherV2', [x, indices, b.scalar(attributes.axis as number, 'int32')], y, {
    Tparams: type(x),
    Tindices: type(indices),
    Taxis: type('int32'),
    batch_dims: { i: attributes.batchDims as number },
  });

const gatherNd: Lowering = (b, { inputs: { params, indices }, outputs: [y] }) =>
  b.op('GatherNd', [params, indices], y, { Tparams: type(params), Tindices: type(indices) });

const scatterNd: Lowering = (b, { inputs: { indices, updates }, outputs: [y] }) => {
  const depth = indices.shape.at(-1)!;
  const shape = [...indices.shape.slice(0, -1), ...y.shape.slice(depth)];
  return b.op('ScatterNd', [indices, b.reshape(updates, shape), b.integers(y.shape)], y, {
    T: type(updates),
    Tindices: type(indices),
  });
};

const tensorScatterUpdate: Lowering = (b, { inputs: { tensor, indices, updates } }) =>
  b.op('TensorScatterUpdate', [tensor, indices, updates], tensor, { T: type(tensor), Tindices: type(indices) });

const sparseToDense: Lowering = (b, { inputs: { sparseIndices, sparseValues, defaultValue }, outputs: [y] }) => {
  const inputs = [sparseIndices, b.integers(y.shape), sparseValues, b.cast(b.reshape(defaultValue, []), sparseValues.type)];
  return b.op('SparseToDense', inputs, y, { T: type(sparseValues), Tindices: type(sparseIndices), validate_indices: { b: false } });
};

const oneHot: Lowering = (b, { inputs: { indices }, attributes, outputs: [y] }) => {
  const t = y.type as 'float32' | 'int32' | 'bool';
  const [on, off] = [attributes.onValue, attributes.offValue].map((value) => b.scalar(value as number, t));
  return b.op('OneHot', [b.cast(indices, 'int32'), b.scalar(attributes.depth as number, 'int32'), on, off], y, {
    T: type(t),
    TI: type('int32'),
    axis: { i: -1 },
  });
};

const stridedSlice: Lowering = (b, { inputs: { x }, attributes: a, outputs: [y] }) => {
  const numbers = (name: string) => b.integers(a[name] as number[]);
  const mask = (name: string) => ({ i: (a[name] as number | undefined) ?? 0 });
  return b.op('StridedSlice', [x, numbers('begin'), numbers('end'), numbers('strides')], y, {
    T: type(x),
    Index: type('int32'),
    begin_mask: mask('beginMask'),
    end_mask: mask('endMask'),
    ellipsis_mask: mask('ellipsisMask'),
    new_axis_mask: mask('newAxisMask'),
    shrink_axis_mask: mask('shrinkAxisMask'),
  });
};

const both = (b: Builder, x: Tensor, y: Tensor): Tensor => b.op('LogicalAnd', [x, y], x);

/** Sum of weights (or count of ones) per value. Values outside are dropped. */
const denseBincount: Lowering = (b, { inputs: { x, weights }, attributes, outputs: [y] }) => {
  const bins = attributes.size as number;
  const count = x.shape.at(-1) ?? 1;
  const batch = sizeOf(x.shape) / count;
  const ids = b.reshape(b.cast(x, 'int32'), [batch, count]);
  const inside = both(b, compare(b, 'GreaterEqual', ids, b.scalar(0, 'int32')), compare(b, 'Less', ids, b.scalar(bins, 'int32')));
  const offsets = b.integers(iota(batch).map((row) => row * bins), [batch, 1]);
  const segments = select(b, inside, zip(b, 'AddV2', ids, offsets), b.scalar(-1, 'int32'));
  const values = sizeOf(weights.shape) > 0 && !attributes.binaryOutput ? b.reshape(weights, [batch, count]) : b.fill(1, [batch, count], y.type as 'float32');
  const sums = segmentSum(b, b.cast(values, y.type), segments, batch * bins);
  const result = attributes.binaryOutput ? zip(b, 'Minimum', sums, b.scalar(1, y.type as 'float32')) : sums;
  return b.reshape(result, y.shape);
};

/** Number of sorted values below (left side) or not above (right side) each value. */
const searchSorted: Lowering = (b, { inputs: { sortedSequence, values }, attributes, outputs: [y] }) => {
  const t = sortedSequence.type === 'float32' || values.type === 'float32' ? 'float32' : numeric(values.type);
  return b.op(attributes.side === 'right' ? 'UpperBound' : 'LowerBound', [b.cast(sortedSequence, t), b.cast(values, t)], y, {
    T: type(t),
    out_type: type('int32'),
  });
};

export const indexing: LoweringTable = {
  Bincount: denseBincount,
  DenseBincount: denseBincount,
  GatherNd: gatherNd,
  GatherV2: gather,
  OneHot: oneHot,
  ScatterNd: scatterNd,
  SearchSorted: searchSorted,
  Slice: (b, { inputs: { x }, attributes }) => slice(b, x, attributes.begin as number[], attributes.size as number[]),
  SparseToDense: sparseToDense,
  StridedSlice: stridedSlice,
  TensorScatterUpdate: tensorScatterUpdate,
};
