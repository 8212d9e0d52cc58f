import { flag, type, type Builder, type Tensor } from '../builder';
import type { ElementType } from '../element-type';
import { compare, numeric, reduce, select, transpose, iota, type Lowering, type LoweringTable } from './lowering';

/** `through` is the type that the reduction is computed in. */
const reduction =
  (op: string, through: (t: ElementType) => ElementType = (t) => t): Lowering =>
  (b, { inputs: { x }, attributes, outputs: [y] }) => {
    const axes = (attributes.axis ?? attributes.reductionIndices) as number[];
    const source = b.cast(x, through(x.type));
    const result = axes.length === 0 ? source : reduce(b, op, source, axes, attributes.keepDims === true);
    return b.cast(result, y.type);
  };

const argument =
  (op: string): Lowering =>
  (b, { inputs: { x }, attributes, outputs: [y] }) => {
    const source = b.cast(x, numeric(x.type));
    return b.op(op, [source, b.scalar(attributes.axis as number, 'int32')], y, {
      T: type(source),
      Tidx: type('int32'),
      output_type: type('int32'),
    });
  };

const cumulative =
  (op: string): Lowering =>
  (b, { inputs: { x }, attributes, outputs: [y] }) =>
    b.op(op, [b.cast(x, y.type), b.scalar(attributes.axis as number, 'int32')], y, {
      T: type(y.type),
      Tidx: type('int32'),
      exclusive: flag(attributes.exclusive),
      reverse: flag(attributes.reverse),
    });

/** Softmax over the last axis. */
export const softmaxRows = (b: Builder, x: Tensor): Tensor => b.op('Softmax', [x], x, { T: type(x) });

const softmax: Lowering = (b, { inputs: { logits }, attributes }) => {
  const x = b.cast(logits, 'float32');
  const axis = attributes.dim as number;
  const last = x.shape.length - 1;
  const exchange = iota(x.shape.length).map((i) => (i === axis ? last : i === last ? axis : i));
  return transpose(b, softmaxRows(b, transpose(b, x, exchange)), exchange);
};

const topK: Lowering = (b, { inputs: { x }, attributes, outputs: [values, indices] }) => {
  const source = b.cast(x, numeric(x.type));
  const [top, at] = b.ops(
    'TopKV2',
    [source, b.scalar(attributes.k as number, 'int32')],
    [{ shape: values.shape, type: source.type }, indices],
    { T: type(source), sorted: { b: true } },
  );
  return [b.cast(top, values.type), at];
};

/** TensorFlow drops rows with a negative id; ids beyond the last become one. */
export function segmentSum(b: Builder, x: Tensor, ids: Tensor, segments: number): Tensor {
  const inside = compare(b, 'Less', ids, b.scalar(segments, 'int32'));
  const kept = select(b, inside, ids, b.scalar(-1, 'int32'));
  const shape = [segments, ...x.shape.slice(ids.shape.length)];
  return b.op('UnsortedSegmentSum', [x, kept, b.scalar(segments, 'int32')], { shape, type: x.type }, {
    T: type(x),
    Tindices: type('int32'),
    Tnumsegments: type('int32'),
  });
}

const toFloat = (): ElementType => 'float32';

export const reductions: LoweringTable = {
  All: reduction('All', () => 'bool'),
  Any: reduction('Any', () => 'bool'),
  ArgMax: argument('ArgMax'),
  ArgMin: argument('ArgMin'),
  Cumprod: cumulative('Cumprod'),
  Cumsum: cumulative('Cumsum'),
  Max: reduction('Max', numeric),
  Mean: reduction('Mean', toFloat),
  Min: reduction('Min', numeric),
  Prod: reduction('Prod', numeric),
  Softmax: softmax,
  Sum: reduction('Sum', numeric),
  TopK: topK,
  UnsortedSegmentSum: (b, { inputs: { x, segmentIds }, attributes }) => segmentSum(b, x, segmentIds, attributes.numSegments as number),
};
