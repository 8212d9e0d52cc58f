import type { Builder, Direction, Reducer } from './builder';
import { input, output, type Lowering, type LoweringTable } from './lowering';
import { numeric, sizeOf, type ElementType, type Tensor } from './tensor';

/** `through` is the type to reduce in. */
const reduction =
  (reducer: Reducer, through: (type: ElementType) => ElementType = numeric): Lowering =>
  (b, call) => {
    const x = input(call, 'x');
    const axes = (call.attributes.axis ?? call.attributes.reductionIndices) as number[];
    const { shape, type } = output(call);
    return b.convert(b.reshape(b.reduce(reducer, b.convert(x, through(x.type)), axes), shape), type);
  };

const mean: Lowering = (b, call) => {
  const x = b.convert(input(call, 'x'), 'f32');
  const axes = call.attributes.axis as number[];
  const count = sizeOf(axes.map((axis) => x.shape[axis]!));
  return b.reshape(b.divide(b.reduce('add', x, axes), b.scalar(count, 'f32')), output(call).shape);
};

/** Place of the largest or smallest value along an axis, of equal ones the first. */
function argument(b: Builder, x: Tensor, axis: number, direction: Direction): Tensor {
  const positions = b.iota(x.shape, axis);
  const worst = direction === 'GT' ? -Infinity : Infinity;
  const initial = x.type === 'f32' ? worst : direction === 'GT' ? -(2 ** 31) : 2 ** 31 - 1;
  const [, found] = b.reduceMany(
    [x, positions],
    [b.scalar(initial, x.type), b.scalar(2 ** 31 - 1, 'i32')],
    [axis],
    (inner, [value, place], [nextValue, nextPlace]) => {
      const better = inner.compare(direction, nextValue!, value!);
      const earlier = inner.and(inner.compare('EQ', nextValue!, value!), inner.compare('LT', nextPlace!, place!));
      const takes = inner.binary('or', better, earlier);
      return [inner.select(takes, nextValue!, value!), inner.select(takes, nextPlace!, place!)];
    },
  );
  return found!;
}

const argumentOf =
  (direction: Direction): Lowering =>
  (b, call) => {
    const x = input(call, 'x');
    return argument(b, b.convert(x, numeric(x.type)), call.attributes.axis as number, direction);
  };

/** A window that reaches from the first element to this one; an exclusive one is moved by one place. */
const cumulative =
  (reducer: 'add' | 'multiply'): Lowering =>
  (b, call) => {
    const { axis, exclusive, reverse } = call.attributes as { axis: number; exclusive: boolean; reverse: boolean };
    const x = b.convert(input(call, 'x'), output(call).type);
    const length = x.shape[axis]!;
    if (sizeOf(x.shape) === 0) return x;
    const along = (amount: number) => x.shape.map((_, i) => (i === axis ? amount : 0));
    const shift = exclusive ? 1 : 0;
    const neutral = reducer === 'add' ? 0 : 1;
    const moved = reverse ? b.pad(x, neutral, along(-shift), along(shift)) : b.pad(x, neutral, along(shift), along(-shift));
    const reach = along(length - 1);
    const none = along(0);
    return b.reduceWindow(reducer, moved, { size: reach.map((n) => n + 1), low: reverse ? none : reach, high: reverse ? reach : none });
  };

/** Softmax along one axis. */
export function softmax(b: Builder, x: Tensor, axis: number): Tensor {
  const shifted = b.subtract(x, b.reduce('maximum', x, [axis], true));
  const e = b.unary('stablehlo.exponential', shifted);
  return b.divide(e, b.reduce('add', e, [axis], true));
}

/** The k largest along the last axis and their places; of equal values the first ones. */
export function topK(b: Builder, x: Tensor, k: number, places: readonly Tensor[] = [b.iota(x.shape, x.shape.length - 1)]): Tensor[] {
  const axis = x.shape.length - 1;
  const sorted = b.sort([x, ...places], axis, (inner, p, q) => inner.compare('GT', p, q));
  return sorted.map((part) => b.sliceAxis(part, axis, 0, k));
}

const topKOf: Lowering = (b, call) => {
  const x = input(call, 'x');
  const [values, indices] = topK(b, b.convert(x, numeric(x.type)), call.attributes.k as number);
  return [b.convert(values!, output(call).type), indices!];
};

/** Segments are counted over the first axes; ids outside the range are dropped. */
const segmentSum: Lowering = (b, call) => {
  const [x, ids] = [input(call, 'x'), input(call, 'segmentIds')];
  const rows = sizeOf(ids.shape);
  const width = sizeOf(x.shape.slice(ids.shape.length));
  const segments = call.attributes.numSegments as number;
  const { shape, type } = output(call);
  const sums = b.scatter(
    b.splat(0, { shape: [segments, width], type }),
    b.reshape(ids, [rows, 1]),
    b.reshape(b.convert(x, type), [rows, width]),
    'update_window_dims = [1], inserted_window_dims = [0], scatter_dims_to_operand_dims = [0], index_vector_dim = 1',
    'add',
  );
  return b.reshape(sums, shape);
};

export const reductions: LoweringTable = {
  All: reduction('and', () => 'i1'),
  Any: reduction('or', () => 'i1'),
  ArgMax: argumentOf('GT'),
  ArgMin: argumentOf('LT'),
  Cumprod: cumulative('multiply'),
  Cumsum: cumulative('add'),
  Max: reduction('maximum'),
  Mean: mean,
  Min: reduction('minimum'),
  Prod: reduction('multiply'),
  Softmax: (b, call) => softmax(b, b.convert(input(call, 'logits'), 'f32'), call.attributes.dim as number),
  Sum: reduction('add'),
  TopK: topKOf,
  UnsortedSegmentSum: segmentSum,
};
