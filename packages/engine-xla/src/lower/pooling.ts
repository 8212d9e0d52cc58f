import { backend_util } from '@tensorflow/tfjs-core';
import type { Builder, Window } from './builder';
import { movement2D, movement3D, type Movement } from './convolution';
import { input, output, type Call, type Lowering, type LoweringTable } from './lowering';
import { range, sizeOf, type Tensor } from './tensor';

type Shape4D = [number, number, number, number];
type Shape5D = [number, number, number, number, number];
type Pad = Parameters<typeof backend_util.computePool2DInfo>[4];
type Pad3D = Parameters<typeof backend_util.computePool3DInfo>[4];

function poolMovement({ attributes }: Call, shape: readonly number[]): Movement {
  const { filterSize, strides, pad, dimRoundingMode, dataFormat } = attributes;
  const rounding = dimRoundingMode as 'floor' | undefined;
  if (shape.length === 5) {
    const format = dataFormat as 'NDHWC' | undefined;
    return movement3D(
      backend_util.computePool3DInfo([...shape] as Shape5D, filterSize as number, strides as number, 1, pad as Pad3D, rounding, format),
    );
  }
  return movement2D(backend_util.computePool2DInfo([...shape] as Shape4D, filterSize as number, strides as number, 1, pad as Pad, rounding));
}

/** Values of the spatial axes at their places, and of batch and channels. */
const perAxis = (m: Movement, values: readonly number[], others: number): number[] =>
  m.channelsLast ? [others, ...values, others] : [others, others, ...values];

/** Padding behind. Negative where windows do not reach the end. */
const after = (m: Movement): number[] => m.outSize.map((out, i) => (out - 1) * m.strides[i]! + m.reach[i]! - m.inSize[i]! - m.before[i]!);

/** Cut off what no window reaches. */
const reached = (b: Builder, x: Tensor, m: Movement): Tensor =>
  b.pad(x, 0, perAxis(m, m.before.map(() => 0), 0), perAxis(m, after(m).map((amount) => Math.min(0, amount)), 0));

const poolWindow = (m: Movement): Window => ({
  size: perAxis(m, m.window, 1),
  strides: perAxis(m, m.strides, 1),
  dilations: perAxis(m, m.dilations, 1),
  low: perAxis(m, m.before, 0),
  high: perAxis(m, after(m).map((amount) => Math.max(0, amount)), 0),
});

const maxPool: Lowering = (b, call) => {
  const x = input(call, 'x');
  const m = poolMovement(call, x.shape);
  return b.reduceWindow('maximum', reached(b, x, m), poolWindow(m));
};

/** How many places of the input each window covers. */
function counts(m: Movement): Float32Array {
  const perAxisCounts = m.outSize.map((out, i) =>
    range(out).map((at) => range(m.window[i]!).filter((tap) => {
      const place = at * m.strides[i]! - m.before[i]! + tap * m.dilations[i]!;
      return place >= 0 && place < m.inSize[i]!;
    }).length),
  );
  return Float32Array.from(perAxisCounts.reduce<number[]>((all, axis) => all.flatMap((count) => axis.map((n) => count * n)), [1]));
}

const avgPool: Lowering = (b, call) => {
  const x = b.convert(input(call, 'x'), 'f32');
  const m = poolMovement(call, x.shape);
  const sums = b.reduceWindow('add', reached(b, x, m), poolWindow(m));
  return b.convert(b.divide(sums, b.floats(counts(m), perAxis(m, m.outSize, 1))), output(call).type);
};

/** Each dy goes to the largest place of its window: of equal ones to the first in two dimensions, to the last in three, as in tfjs. */
const maxPoolGrad: Lowering = (b, call) => {
  const [dy, x] = [input(call, 'dy'), input(call, 'input')];
  const m = poolMovement(call, x.shape);
  const dx = b.selectAndScatter(reached(b, x, m), dy, poolWindow(m), x.shape.length === 4 ? 'GE' : 'GT');
  return b.pad(dx, 0, perAxis(m, m.before.map(() => 0), 0), perAxis(m, after(m).map((amount) => Math.max(0, -amount)), 0));
};

/** Every input gets dy of the windows it is in, divided by the size of the window (its padding included, as tfjs does). */
const avgPoolGrad: Lowering = (b, call) => {
  const [dy, x] = [input(call, 'dy'), input(call, 'input')];
  const m = poolMovement(call, x.shape);
  const low = m.reach.map((reach, i) => reach - 1 - m.before[i]!);
  const high = m.inSize.map((size, i) => size + m.reach[i]! - 1 - low[i]! - ((m.outSize[i]! - 1) * m.strides[i]! + 1));
  const spread = b.pad(dy, 0, perAxis(m, low, 0), perAxis(m, high, 0), perAxis(m, m.strides.map((stride) => stride - 1), 0));
  const none = x.shape.map(() => 0);
  const sums = b.reduceWindow('add', spread, { size: perAxis(m, m.window, 1), dilations: perAxis(m, m.dilations, 1), low: none, high: none });
  return b.times(sums, 1 / sizeOf(m.window));
};

/** The places of a window, in row-major order. */
const taps = (m: Movement): number[][] => m.window.reduce<number[][]>((all, size) => all.flatMap((tap) => range(size).map((i) => [...tap, i])), [[]]);

/** What all windows see at one of their places: (N, out…, C). Outside of x is `filler`. */
function view(b: Builder, x: Tensor, m: Movement, tap: readonly number[], filler: number): Tensor {
  const begin = tap.map((i, axis) => i * m.dilations[axis]! - m.before[axis]!);
  const span = m.outSize.map((out, axis) => (out - 1) * m.strides[axis]! + 1);
  const padded = b.pad(x, filler, perAxis(m, begin.map((from) => -from || 0), 0), perAxis(m, begin.map((from, axis) => from + span[axis]! - m.inSize[axis]!), 0));
  return b.slice(padded, padded.shape.map(() => 0), padded.shape, perAxis(m, m.strides, 1));
}

/** The opposite: values of all windows at one of their places, added into zeros of the input's size. */
function unview(b: Builder, y: Tensor, m: Movement, tap: readonly number[]): Tensor {
  const begin = tap.map((i, axis) => i * m.dilations[axis]! - m.before[axis]!);
  const span = m.outSize.map((out, axis) => (out - 1) * m.strides[axis]! + 1);
  const interior = m.strides.map((stride) => stride - 1);
  return b.pad(y, 0, perAxis(m, begin, 0), perAxis(m, begin.map((from, axis) => m.inSize[axis]! - from - span[axis]! || 0), 0), perAxis(m, interior, 0));
}

/** The largest of several candidates and the number of the first that has it. */
function largest(b: Builder, candidates: readonly Tensor[]): [value: Tensor, number: Tensor] {
  const [first, ...others] = candidates as [Tensor, ...Tensor[]];
  return others.reduce<[Tensor, Tensor]>(
    ([value, number], candidate, i) => {
      const better = b.compare('GT', candidate, value);
      return [b.select(better, candidate, value), b.select(better, b.scalar(i + 1, 'i32'), number)];
    },
    [first, b.splat(0, { shape: first.shape, type: 'i32' })],
  );
}

/** Positions are counted in (H, W, C), with the batch in front if asked. */
const maxPoolWithArgmax: Lowering = (b, call) => {
  const x = input(call, 'x');
  const m = poolMovement(call, x.shape);
  const [batch, height, width, channels] = x.shape as Shape4D;
  const [value, number] = largest(b, taps(m).map((tap) => view(b, x, m, tap, -Infinity)));
  const { shape } = value;
  const at = (axis: number, tap: Tensor) =>
    b.add(b.plus(b.times(b.iota(shape, axis + 1), m.strides[axis]!), -m.before[axis]!), tap);
  const columns = b.scalar(m.window[1]!, 'i32');
  const row = at(0, b.divide(number, columns));
  const column = at(1, b.binary('remainder', number, columns));
  const pixel = b.add(b.times(row, width), column);
  const position = b.add(b.times(pixel, channels), b.iota(shape, 3));
  if (!call.attributes.includeBatchInIndex || batch === 1) return [value, position];
  return [value, b.add(position, b.times(b.iota(shape, 0), height * width * channels))];
};

/** Number.MIN_SAFE_INTEGER, which tfjs begins a maximum with. */
const lowest = -(2 ** 53 - 1);

interface DilationCall {
  readonly m: Movement;
  readonly places: readonly number[][];
  /** What each window has at each of its places. */
  readonly candidates: readonly Tensor[];
}

function dilationOf(b: Builder, call: Call): DilationCall {
  const [x, filter] = [input(call, 'x'), input(call, 'filter')];
  const { strides, pad, dilations } = call.attributes as { strides: number; pad: 'same'; dilations: number };
  const info = backend_util.computeDilation2DInfo([...x.shape] as Shape4D, [...filter.shape] as [number, number, number], strides, pad, 'NHWC', dilations);
  const m = movement2D(info);
  const places = taps(m);
  const candidates = places.map(([row, column]) => {
    const weight = b.slice(filter, [row!, column!, 0], [row! + 1, column! + 1, filter.shape[2]!]);
    return b.add(view(b, x, m, [row!, column!], lowest), b.reshape(weight, [1, 1, 1, filter.shape[2]!]));
  });
  return { m, places, candidates };
}

const dilation: Lowering = (b, call) => largest(b, dilationOf(b, call).candidates)[0];

/** dy where the window has its maximum at this place, else 0. */
const chosen = (b: Builder, dy: Tensor, number: Tensor, place: number): Tensor => b.select(b.compare('EQ', number, place), dy, b.scalar(0, dy.type));

const dilationInputGrad: Lowering = (b, call) => {
  const { m, places, candidates } = dilationOf(b, call);
  const [, number] = largest(b, candidates);
  return places.map((tap, i) => unview(b, chosen(b, input(call, 'dy'), number, i), m, tap)).reduce(b.add);
};

const dilationFilterGrad: Lowering = (b, call) => {
  const { places, candidates } = dilationOf(b, call);
  const [, number] = largest(b, candidates);
  const sums = places.map((_, i) => b.reshape(b.reduce('add', chosen(b, input(call, 'dy'), number, i), [0, 1, 2]), [1, output(call).shape[2]!]));
  return b.reshape(b.concat(sums, 0), output(call).shape);
};

export const pooling: LoweringTable = {
  AvgPool: avgPool,
  AvgPool3D: avgPool,
  AvgPool3DGrad: avgPoolGrad,
  AvgPoolGrad: avgPoolGrad,
  Dilation2D: dilation,
  Dilation2DBackpropFilter: dilationFilterGrad,
  Dilation2DBackpropInput: dilationInputGrad,
  MaxPool: maxPool,
  MaxPool3D: maxPool,
  MaxPool3DGrad: maxPoolGrad,
  MaxPoolGrad: maxPoolGrad,
  MaxPoolWithArgmax: maxPoolWithArgmax,
};
