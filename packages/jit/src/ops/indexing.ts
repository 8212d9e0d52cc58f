import { backend_util, slice_util } from '@tensorflow/tfjs-core';
import type { TensorInfo } from '@tensorflow/tfjs-core';
import type { TensorSpec } from '@dinov2/primitives';
import type { DataType } from '../graph';
import { dims, int32, op, positiveAxis, type OpTable } from './op';

/** tfjs's shape helpers ask for a TensorInfo but read only shape and type. */
const info = (spec: TensorSpec) => spec as unknown as TensorInfo & never;

export const indexing: OpTable = {
  Bincount: op<{ size: number }>({
    infer: ({ weights }, { size }) => ({ shape: [size], dtype: weights.dtype }),
  }),
  DenseBincount: op<{ size: number; binaryOutput?: boolean }>({
    infer: ({ x, weights }, { size }) => ({ shape: [...x.shape.slice(0, -1), size], dtype: weights.dtype }),
  }),
  GatherNd: op({
    infer: ({ params, indices }) => ({
      shape: backend_util.prepareAndValidate(info(params), info(indices))[0],
      dtype: params.dtype,
    }),
  }),
  GatherV2: op<{ axis: number; batchDims?: number }>({
    normalize: ({ axis, batchDims }, { x }) => ({
      axis: positiveAxis(axis, x.shape.length),
      batchDims: batchDims ?? 0,
    }),
    infer: ({ x, indices }, { axis, batchDims }) => ({
      shape: backend_util.segment_util.collectGatherOpShapeInfo(info(x), info(indices), axis, batchDims as number)
        .outputShape,
      dtype: x.dtype,
    }),
  }),
  OneHot: op<{ depth: number; onValue?: number; offValue?: number; dtype?: DataType }>({
    normalize: ({ depth, onValue, offValue, dtype }) => ({
      depth,
      onValue: onValue ?? 1,
      offValue: offValue ?? 0,
      dtype: dtype ?? 'int32',
    }),
    infer: ({ indices }, { depth, dtype }) => ({ shape: [...indices.shape, depth], dtype: dtype as DataType }),
  }),
  ScatterNd: op<{ shape: number[] }>({ infer: ({ updates }, { shape }) => ({ shape, dtype: updates.dtype }) }),
  SearchSorted: op({ infer: ({ values }) => int32(values.shape) }),
  Slice: op<{ begin: number | number[]; size: number | number[] }>({
    normalize: ({ begin, size }, { x }) => {
      const [from, count] = slice_util.parseSliceParams(info(x), begin, size);
      slice_util.assertParamsValid(info(x), from, count);
      return { begin: from, size: count };
    },
    infer: ({ x }, { size }) => ({ shape: size as number[], dtype: x.dtype }),
  }),
  SparseToDense: op<{ outputShape: number[] }>({
    infer: ({ sparseValues }, { outputShape }) => ({ shape: outputShape, dtype: sparseValues.dtype }),
  }),
  StridedSlice: op<{
    begin: number[];
    end: number[];
    strides: number[];
    beginMask: number;
    endMask: number;
    ellipsisMask: number;
    newAxisMask: number;
    shrinkAxisMask: number;
  }>({
    infer: ({ x }, a) => ({
      shape: slice_util.sliceInfo(
        dims(x),
        a.begin,
        a.end,
        a.strides,
        a.beginMask,
        a.endMask,
        a.ellipsisMask,
        a.newAxisMask,
        a.shrinkAxisMask,
      ).finalShape,
      dtype: x.dtype,
    }),
  }),
  TensorScatterUpdate: op({ infer: ({ tensor }) => tensor }),
};
