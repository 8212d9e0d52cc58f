import { slice_util } from '@tensorflow/tfjs-core';
import type { Builder, Direction } from './builder';
import { input, output, type Lowering, type LoweringTable } from './lowering';
import { range, sizeOf, type Tensor } from './tensor';

const dims = (name: string, values: readonly number[]): string => `${name} = [${values.join(', ')}]`;

/** Slices of x along `axis` at integer indices; the first `batch` axes of both belong together. */
export function take(b: Builder, x: Tensor, indices: Tensor, axis: number, batch = 0): Tensor {
  const own = indices.shape.slice(batch);
  const shape = [...x.shape.slice(0, axis), ...own, ...x.shape.slice(axis + 1)];
  const batchAxes = range(batch);
  const offsets = [...range(axis).slice(batch), ...range(x.shape.length - axis - 1).map((i) => axis + own.length + i)];
  const dimensions = [
    dims('offset_dims', offsets),
    dims('collapsed_slice_dims', [axis]),
    ...(batch > 0 ? [dims('operand_batching_dims', batchAxes), dims('start_indices_batching_dims', batchAxes)] : []),
    dims('start_index_map', [axis]),
    `index_vector_dim = ${indices.shape.length}`,
  ].join(', ');
  return b.gather(x, indices, dimensions, x.shape.map((length, i) => (i === axis || i < batch ? 1 : length)), shape);
}

/** Slices of x at places (…, depth) of its first axes. */
export function takeAt(b: Builder, x: Tensor, places: Tensor): Tensor {
  const depth = places.shape.at(-1)!;
  const lead = places.shape.slice(0, -1);
  const rest = x.shape.slice(depth);
  const dimensions = [
    dims('offset_dims', rest.map((_, i) => lead.length + i)),
    dims('collapsed_slice_dims', range(depth)),
    dims('start_index_map', range(depth)),
    `index_vector_dim = ${lead.length}`,
  ].join(', ');
  return b.gather(x, places, dimensions, x.shape.map((length, i) => (i < depth ? 1 : length)), [...lead, ...rest]);
}

/** x with updates (n, …) at places (n, depth) of its first axes. */
export function scatterAt(b: Builder, x: Tensor, places: Tensor, updates: Tensor, how: 'add' | 'replace', unique = false): Tensor {
  const [count, depth] = places.shape as [number, number];
  const rest = x.shape.slice(depth);
  const dimensions = [
    dims('update_window_dims', rest.map((_, i) => i + 1)),
    dims('inserted_window_dims', range(depth)),
    dims('scatter_dims_to_operand_dims', range(depth)),
    'index_vector_dim = 1',
  ].join(', ');
  return b.scatter(x, places, b.reshape(updates, [count, ...rest]), dimensions, how, unique);
}

const gather: Lowering = (b, { inputs: { x, indices }, attributes }) =>
  take(b, x!, b.convert(indices!, 'i32'), attributes.axis as number, attributes.batchDims as number);

const gatherNd: Lowering = (b, call) => {
  const [params, indices] = [input(call, 'params'), b.convert(input(call, 'indices'), 'i32')];
  if (indices.shape.at(-1) === 0) return b.broadcast(params, output(call).shape);
  return takeAt(b, params, indices);
};

/** Indices (…, depth) as rows. */
const rows = (b: Builder, indices: Tensor): Tensor => {
  const depth = indices.shape.at(-1)!;
  return b.reshape(b.convert(indices, 'i32'), [sizeOf(indices.shape) / depth, depth]);
};

const scatterNd: Lowering = (b, call) =>
  scatterAt(b, b.splat(0, output(call)), rows(b, input(call, 'indices')), input(call, 'updates'), 'add');

const tensorScatterUpdate: Lowering = (b, call) =>
  scatterAt(b, input(call, 'tensor'), rows(b, input(call, 'indices')), input(call, 'updates'), 'replace');

const sparseToDense: Lowering = (b, call) => {
  const { shape, type } = output(call);
  const indices = b.convert(input(call, 'sparseIndices'), 'i32');
  const places = b.reshape(indices, [sizeOf(indices.shape) / shape.length, shape.length]);
  const values = input(call, 'sparseValues');
  const base = b.broadcast(b.convert(b.reshape(input(call, 'defaultValue'), []), type), shape);
  const updates = values.shape.length === 0 ? b.broadcast(values, [places.shape[0]!]) : values;
  return scatterAt(b, base, places, updates, 'replace');
};

/** Compare with every class: indices outside give a row of `offValue`. */
const oneHot: Lowering = (b, call) => {
  const { shape, type } = output(call);
  const indices = b.convert(input(call, 'indices'), 'i32');
  const hit = b.compare('EQ', b.reshape(indices, [...indices.shape, 1]), b.iota([shape.at(-1)!], 0));
  return b.select(hit, b.scalar(call.attributes.onValue as number, type), b.scalar(call.attributes.offValue as number, type));
};

const slice: Lowering = (b, { inputs: { x }, attributes }) => {
  const begin = attributes.begin as number[];
  return b.slice(x!, begin, begin.map((from, axis) => from + (attributes.size as number[])[axis]!));
};

const stridedSlice: Lowering = (b, call) => {
  const x = input(call, 'x');
  const numbers = (name: string) => call.attributes[name] as number[];
  const mask = (name: string) => call.attributes[name] as number;
  const { begin, end, strides } = slice_util.sliceInfo(
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
  const { shape } = output(call);
  const size = slice_util.computeOutShape(begin, end, strides);
  if (sizeOf(size) === 0) return b.splat(0, { shape, type: x.type });
  // A negative stride goes through the axis from its end.
  const backwards = range(x.shape.length).filter((axis) => strides[axis]! < 0);
  const from = begin.map((at, axis) => (strides[axis]! < 0 ? x.shape[axis]! - 1 - at : at));
  const steps = strides.map(Math.abs);
  const limits = from.map((at, axis) => at + (size[axis]! - 1) * steps[axis]! + 1);
  return b.reshape(b.slice(b.reverse(x, backwards), from, limits, steps), shape);
};

/** Sum of weights, or count, per value. Values outside are dropped. */
const bincount: Lowering = (b, call) => {
  const [x, weights] = [b.convert(input(call, 'x'), 'i32'), input(call, 'weights')];
  const { shape, type } = output(call);
  const count = sizeOf(x.shape);
  const length = x.shape.at(-1) ?? 1;
  const bins = shape.at(-1)!;
  const row = b.reshape(b.iota([count / length, length], 0), [count, 1]);
  const places = b.concat([row, b.reshape(x, [count, 1])], 1);
  const binary = call.attributes.binaryOutput === true;
  const weighted = !binary && sizeOf(weights.shape) > 0;
  const updates = weighted ? b.reshape(b.convert(weights, type), [count]) : b.splat(1, { shape: [count], type });
  const sums = scatterAt(b, b.splat(0, { shape: [count / length, bins], type }), places, updates, binary ? 'replace' : 'add');
  return b.reshape(sums, shape);
};

/** Number of sorted values below (lower bound) or not above (upper bound) each value. */
const searchSorted: Lowering = (b, call) => {
  const direction: Direction = call.attributes.side === 'right' ? 'LE' : 'LT';
  const [sequence, values] = [input(call, 'sortedSequence'), input(call, 'values')].map((x) => b.convert(x, 'f32')) as [Tensor, Tensor];
  const [batch, length] = sequence.shape as [number, number];
  const before = b.compare(direction, b.reshape(sequence, [batch, 1, length]), b.reshape(values, [batch, values.shape[1]!, 1]));
  return b.reduce('add', b.convert(before, 'i32'), [2]);
};

export const indexing: LoweringTable = {
  Bincount: bincount,
  DenseBincount: bincount,
  GatherNd: gatherNd,
  GatherV2: gather,
  OneHot: oneHot,
  ScatterNd: scatterNd,
  SearchSorted: searchSorted,
  Slice: slice,
  SparseToDense: sparseToDense,
  StridedSlice: stridedSlice,
  TensorScatterUpdate: tensorScatterUpdate,
};
