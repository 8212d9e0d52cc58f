import { backend_util, util } from '@tensorflow/tfjs-core';
import type { DataType } from '../graph';
import { dims, op, positiveAxis, size, type OpTable } from './op';

type Pairs = readonly (readonly [number, number])[];

export const shape: OpTable = {
  BatchToSpaceND: op<{ blockShape: number[]; crops: number[][] }>({
    infer: ({ x }, { blockShape, crops }) => {
      const [batch, ...rest] = x.shape;
      const spatial = rest.map((d, i) =>
        i < blockShape.length ? d * blockShape[i] - crops[i][0] - crops[i][1] : d,
      );
      return { shape: [batch / blockShape.reduce((a, b) => a * b, 1), ...spatial], dtype: x.dtype };
    },
  }),
  Concat: op<{ axis: number }>({
    normalize: ({ axis }, inputs) => ({ axis: positiveAxis(axis, inputs['0'].shape.length) }),
    infer: (inputs, { axis }) => {
      const shapes = Object.values(inputs).map(dims);
      backend_util.assertParamsConsistent(shapes, axis);
      return { shape: backend_util.computeOutShape(shapes, axis), dtype: inputs['0'].dtype };
    },
  }),
  DepthToSpace: op<{ blockSize: number; dataFormat: 'NHWC' | 'NCHW' }>({
    infer: ({ x }, { blockSize: k, dataFormat }) => {
      const [n, a, b, c] = x.shape;
      return {
        shape: dataFormat === 'NHWC' ? [n, a * k, b * k, c / (k * k)] : [n, a / (k * k), b * k, c * k],
        dtype: x.dtype,
      };
    },
  }),
  Diag: op({ infer: ({ x }) => ({ shape: [...x.shape, ...x.shape], dtype: x.dtype }) }),
  ExpandDims: op<{ dim: number }>({
    normalize: ({ dim }, { input }) => ({ dim: positiveAxis(dim, input.shape.length + 1) }),
    infer: ({ input }, { dim }) => ({ shape: dims(input).toSpliced(dim, 0, 1), dtype: input.dtype }),
  }),
  Fill: op<{ shape: number[]; value: number; dtype: DataType }>({
    normalize: ({ shape, value, dtype }) => ({
      shape: [...shape],
      value: Number(value),
      dtype: dtype ?? 'float32',
    }),
    infer: (_, { shape, dtype }) => ({ shape, dtype }),
  }),
  LinSpace: op<{ start: number; stop: number; num: number }>({
    infer: (_, { num }) => ({ shape: [num], dtype: 'float32' }),
  }),
  MirrorPad: op<{ paddings: Pairs; mode: 'reflect' | 'symmetric' }>({
    infer: ({ x }, { paddings }) => ({
      shape: x.shape.map((d, i) => d + paddings[i][0] + paddings[i][1]),
      dtype: x.dtype,
    }),
  }),
  Pack: op<{ axis: number }>({
    normalize: ({ axis }, inputs) => ({ axis: positiveAxis(axis, inputs['0'].shape.length + 1) }),
    infer: (inputs, { axis }) => {
      const first = inputs['0'];
      for (const other of Object.values(inputs)) {
        util.assertShapesMatch(dims(first), dims(other), 'Pack: all tensors must have the same shape; ');
      }
      return { shape: dims(first).toSpliced(axis, 0, Object.keys(inputs).length), dtype: first.dtype };
    },
  }),
  PadV2: op<{ paddings: Pairs; constantValue: number }>({
    infer: ({ x }, { paddings }) => ({
      shape: x.shape.map((d, i) => d + paddings[i][0] + paddings[i][1]),
      dtype: x.dtype,
    }),
  }),
  Range: op<{ start: number; stop: number; step: number; dtype: 'float32' | 'int32' }>({
    infer: (_, { start, stop, step, dtype }) => {
      const empty = start === stop || (start < stop && step < 0) || (stop < start && step > 1);
      return { shape: [empty ? 0 : Math.abs(Math.ceil((stop - start) / step))], dtype: dtype ?? 'float32' };
    },
  }),
  Reshape: op<{ shape: number[] }>({
    normalize: ({ shape }, { x }) => ({ shape: util.inferFromImplicitShape([...shape], size(x)) }),
    infer: ({ x }, { shape }) => {
      util.assert(
        shape.reduce((a, b) => a * b, 1) === size(x),
        () => `Reshape: (${x.shape}) has ${size(x)} elements, which is not what (${shape}) holds.`,
      );
      return { shape, dtype: x.dtype };
    },
  }),
  Reverse: op<{ dims: number | number[] }>({
    normalize: (attributes, { x }) => ({ dims: util.parseAxisParam(attributes.dims, dims(x)) }),
    infer: ({ x }) => x,
  }),
  SpaceToBatchND: op<{ blockShape: number[]; paddings: number[][] }>({
    infer: ({ x }, { blockShape, paddings }) => {
      const [batch, ...rest] = x.shape;
      const spatial = rest.map((d, i) =>
        i < blockShape.length ? (d + paddings[i][0] + paddings[i][1]) / blockShape[i] : d,
      );
      return { shape: [batch * blockShape.reduce((a, b) => a * b, 1), ...spatial], dtype: x.dtype };
    },
  }),
  SplitV: op<{ numOrSizeSplits: number | number[]; axis: number }>({
    normalize: ({ numOrSizeSplits, axis }, { x }) => {
      const positive = util.parseAxisParam(axis, dims(x))[0];
      return {
        axis: positive,
        numOrSizeSplits: backend_util.prepareSplitSize({ shape: dims(x) } as never, numOrSizeSplits, positive),
      };
    },
    infer: ({ x }, { numOrSizeSplits, axis }) =>
      (numOrSizeSplits as number[]).map((n) => ({ shape: dims(x).with(axis, n), dtype: x.dtype })),
  }),
  Tile: op<{ reps: number[] }>({
    infer: ({ x }, { reps }) => ({ shape: x.shape.map((d, i) => d * reps[i]), dtype: x.dtype }),
  }),
  Transpose: op<{ perm: number[] }>({
    infer: ({ x }, { perm }) => ({ shape: perm.map((p) => x.shape[p]), dtype: x.dtype }),
  }),
  Unpack: op<{ axis: number }>({
    normalize: ({ axis }, { value }) => ({ axis: positiveAxis(axis, value.shape.length) }),
    infer: ({ value }, { axis }) =>
      Array.from({ length: value.shape[axis] }, () => ({
        shape: dims(value).toSpliced(axis, 1),
        dtype: value.dtype,
      })),
  }),
};
