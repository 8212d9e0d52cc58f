import { util } from '@tensorflow/tfjs-core';
import type { TensorSpec } from '@dinov2/primitives';
import type { DataType } from '../graph';
import { dims, op, positiveAxis, size, type Op, type OpTable } from './op';

type Axes = number | number[];

const reducedShape = ({ shape }: TensorSpec, axes: readonly number[], keepDims: boolean): number[] =>
  keepDims ? shape.map((d, i) => (axes.includes(i) ? 1 : d)) : shape.filter((_, i) => !axes.includes(i));

const sorted = (axes: Axes, x: TensorSpec): number[] =>
  [...util.parseAxisParam(axes, dims(x))].sort((a, b) => a - b);

/** `name` is the attribute that holds the axes: tfjs calls it `reductionIndices` for `Max` alone. */
const reduction = (dtype?: (x: DataType) => DataType, name: 'axis' | 'reductionIndices' = 'axis'): Op =>
  op<{ axis?: Axes; reductionIndices?: Axes; keepDims?: boolean }>({
    normalize: (attributes, { x }) => ({
      [name]: sorted(attributes[name] as Axes, x),
      keepDims: attributes.keepDims === true,
    }),
    infer: ({ x }, attributes) => ({
      shape: reducedShape(x, attributes[name] as number[], attributes.keepDims === true),
      dtype: dtype?.(x.dtype) ?? x.dtype,
    }),
    flops: ({ x }) => size(x),
  });

/** bool counts as int32. */
const numeric = (dtype: DataType): DataType => (dtype === 'bool' ? 'int32' : dtype);

const argument = op<{ axis: number }>({
  normalize: ({ axis }, { x }) => ({ axis: util.parseAxisParam(axis, dims(x))[0] }),
  infer: ({ x }, { axis }) => ({ shape: reducedShape(x, [axis], false), dtype: 'int32' }),
  flops: ({ x }) => size(x),
});

const cumulative = op<{ axis: number; exclusive?: boolean; reverse?: boolean }>({
  normalize: ({ axis, exclusive, reverse }, { x }) => ({
    axis: positiveAxis(axis, x.shape.length),
    exclusive: exclusive === true,
    reverse: reverse === true,
  }),
  infer: ({ x }) => ({ shape: x.shape, dtype: numeric(x.dtype) }),
  flops: ({ x }) => size(x),
});

export const reductions: OpTable = {
  All: reduction(() => 'bool'),
  Any: reduction(() => 'bool'),
  ArgMax: argument,
  ArgMin: argument,
  Cumprod: cumulative,
  Cumsum: cumulative,
  Max: reduction(undefined, 'reductionIndices'),
  Mean: reduction(() => 'float32'),
  Min: reduction(),
  Prod: reduction(numeric),
  Sum: reduction(numeric),
  Softmax: op<{ dim: number }>({
    normalize: ({ dim }, { logits }) => ({ dim: positiveAxis(dim, logits.shape.length) }),
    infer: ({ logits }) => logits,
    flops: ({ logits }) => 12 * size(logits),
  }),
  TopK: op<{ k: number; sorted?: boolean }>({
    infer: ({ x }, { k }) => {
      const shape = [...x.shape.slice(0, -1), k];
      return [
        { shape, dtype: x.dtype },
        { shape, dtype: 'int32' },
      ];
    },
    flops: ({ x }) => size(x),
  }),
  UnsortedSegmentSum: op<{ numSegments: number }>({
    infer: ({ x, segmentIds }, { numSegments }) => ({
      shape: [numSegments, ...x.shape.slice(segmentIds.shape.length)],
      dtype: x.dtype,
    }),
    flops: ({ x }) => size(x),
  }),
};
