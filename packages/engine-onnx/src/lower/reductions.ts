import type { Builder } from '../builder';
import { sizeOf, type ElementType } from '../element-type';
import type { Tensor } from '../program';
import { zip } from './elementwise';
import { transpose, type Lowering, type LoweringTable } from './lowering';

/** ONNX reduction that keeps the reduced axes as length 1. */
export function reduce(b: Builder, type: string, x: Tensor, axes: readonly number[]): Tensor {
  const shape = x.shape.map((length, axis) => (axes.includes(axis) ? 1 : length));
  return b.ort(type, [x, b.integers(axes)], { shape, type: x.type }, { attributes: { keepdims: 1 } });
}

/** `through` is the type that ONNX Runtime reduces in, where it has no kernel for the type itself. */
const reduction =
  (type: string, through: (type: ElementType) => ElementType = (t) => t): Lowering =>
  (b, { inputs: { x }, attributes, outputs: [y] }) => {
    const axes = (attributes.axis ?? attributes.reductionIndices) as number[];
    const source = b.cast(x, through(x.type));
    const result = axes.length === 0 ? source : reduce(b, type, source, axes);
    return b.cast(b.view(result, y.shape), y.type);
  };

const numeric = (type: ElementType): ElementType => (type === 'bool' ? 'int32' : type);

const sum: Lowering = (b, call) => {
  const { inputs, attributes, outputs } = call;
  const { x } = inputs;
  const fast = b.simd('Sum', { x }, outputs, attributes);
  return fast ?? reduction('ReduceSum', numeric)(b, call);
};

const argument =
  (type: string): Lowering =>
  (b, { inputs: { x }, attributes, outputs: [y] }) => {
    const axis = attributes.axis as number;
    const source = b.cast(x, numeric(x.type));
    const found = b.ort(type, [source], { shape: y.shape, type: 'int64' }, { attributes: { axis, keepdims: 0 } });
    return b.cast(found, 'int32');
  };

const cumulativeSum: Lowering = (b, { inputs: { x }, attributes, outputs: [y] }) =>
  b.ort('CumSum', [b.cast(x, y.type), b.scalar(attributes.axis as number, 'int64')], y, {
    attributes: { exclusive: attributes.exclusive ? 1 : 0, reverse: attributes.reverse ? 1 : 0 },
  });

/** ONNX has no running product: one product per step along the axis. */
const cumulativeProduct: Lowering = (b, { inputs: { x }, attributes, outputs: [y] }) => {
  const axis = attributes.axis as number;
  const rank = x.shape.length;
  const toFront = [axis, ...Array.from({ length: rank }, (_, i) => i).filter((i) => i !== axis)];
  const source = transpose(b, b.cast(x, y.type), toFront);
  const result = b.empty(source.shape, source.type);
  const length = source.shape[0];
  const order = Array.from({ length }, (_, i) => (attributes.reverse ? length - 1 - i : i));
  let previous: Tensor | undefined;
  order.forEach((row, i) => {
    const into = b.rows(result, row, 1);
    if (previous === undefined) {
      if (attributes.exclusive) b.fill(1, into.shape, into.type, into);
      else b.copy(b.rows(source, row, 1), into);
    } else {
      const factor = b.rows(source, attributes.exclusive ? order[i - 1] : row, 1);
      b.ort('Mul', [previous, factor], into, { into });
    }
    previous = into;
  });
  return transpose(b, result, toFront.map((_, i) => toFront.indexOf(i)));
};

const softmax: Lowering = (b, { inputs: { logits }, attributes, outputs: [y] }) =>
  b.ort('Softmax', [b.cast(logits, 'float32')], y, { attributes: { axis: attributes.dim as number } });

const logSoftmax: Lowering = (b, { inputs: { logits }, attributes, outputs: [y] }) =>
  b.ort('LogSoftmax', [b.cast(logits, 'float32')], y, { attributes: { axis: attributes.axis as number } });

const topK: Lowering = (b, { inputs: { x }, attributes, outputs: [values] }) => {
  const k = b.integers([attributes.k as number]);
  const [top, indices] = b.ortMany('TopK', [b.cast(x, numeric(x.type)), k], [
    { shape: values.shape, type: numeric(x.type) },
    { shape: values.shape, type: 'int64' },
  ], { attributes: { axis: -1, largest: 1, sorted: 1 } });
  return [b.cast(top, values.type), b.cast(indices, 'int32')];
};

/** tfjs counts segments over the first axes; ids outside the range are dropped. */
const segmentSum: Lowering = (b, { inputs: { x, segmentIds }, attributes, outputs: [y] }) => {
  const segments = attributes.numSegments as number;
  const rank = segmentIds.shape.length;
  const rows = sizeOf(segmentIds.shape);
  const width = sizeOf(x.shape.slice(rank));
  const indices = b.view(segmentIds, [rows, 1]);
  // One more segment collects what is out of range.
  const outside = zip(
    b,
    'Or',
    zip(b, 'Less', indices, b.scalar(0, 'int32'), 'bool'),
    zip(b, 'GreaterOrEqual', indices, b.scalar(segments, 'int32'), 'bool'),
  );
  const kept = b.ort('Where', [outside, b.scalar(segments, 'int32'), indices], indices);
  const sums = b.ort(
    'ScatterND',
    [b.fill(0, [segments + 1, width], x.type), b.cast(kept, 'int64'), b.view(x, [rows, width])],
    { shape: [segments + 1, width], type: x.type },
    { attributes: { reduction: 'add' } },
  );
  return b.view(b.rows(sums, 0, segments), y.shape);
};

const toFloat = (): ElementType => 'float32';

export const reductions: LoweringTable = {
  All: reduction('ReduceMin', () => 'int32'),
  Any: reduction('ReduceMax', () => 'int32'),
  ArgMax: argument('ArgMax'),
  ArgMin: argument('ArgMin'),
  Cumprod: cumulativeProduct,
  Cumsum: cumulativeSum,
  LogSoftmax: logSoftmax,
  Max: reduction('ReduceMax', numeric),
  Mean: reduction('ReduceMean', toFloat),
  Min: reduction('ReduceMin', numeric),
  Prod: reduction('ReduceProd', numeric),
  Softmax: softmax,
  Sum: sum,
  TopK: topK,
  UnsortedSegmentSum: segmentSum,
};

