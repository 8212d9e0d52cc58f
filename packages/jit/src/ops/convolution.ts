import { backend_util } from '@tensorflow/tfjs-core';
import type { TensorSpec } from '@dinov2/primitives';
import { dims, float32, op, size, type OpTable, type Specs } from './op';

type Pad = Parameters<typeof backend_util.computeConv2DInfo>[4];
type Pad3D = Parameters<typeof backend_util.computeConv3DInfo>[4];
type Pair = number | [number, number];
type Triple = number | [number, number, number];
type Rounding = 'floor' | 'round' | 'ceil';
type Shape4D = [number, number, number, number];
type Shape5D = [number, number, number, number, number];

interface Conv {
  strides: Pair;
  pad: Pad;
  dataFormat?: 'NHWC' | 'NCHW';
  dilations?: Pair;
  dimRoundingMode?: Rounding;
}

interface Pool {
  filterSize: Pair;
  strides: Pair;
  pad: Pad;
  dimRoundingMode?: Rounding;
}

interface Pool3D {
  filterSize: Triple;
  strides: Triple;
  pad: Pad3D;
  dimRoundingMode?: Rounding;
  dataFormat?: 'NDHWC' | 'NCDHW';
}

const convOutput = (x: TensorSpec, filter: readonly number[], a: Conv, depthwise: boolean) =>
  float32(
    backend_util.computeConv2DInfo(
      dims(x) as Shape4D,
      [...filter] as Shape4D,
      a.strides,
      a.dilations ?? 1,
      a.pad,
      a.dimRoundingMode,
      depthwise,
      backend_util.convertConv2DDataFormat(a.dataFormat ?? 'NHWC'),
    ).outShape,
  );

/** Multiply-adds per output element: filter height × width × input channels (one channel if depthwise). */
const taps = (filter: readonly number[], depthwise: boolean) => filter[0] * filter[1] * (depthwise ? 1 : filter[2]);

const forward = (depthwise: boolean) =>
  op<Conv>({
    infer: ({ x, filter }, attributes) => convOutput(x, filter.shape, attributes, depthwise),
    flops: ({ filter }, [y]) => 2 * size(y) * taps(filter.shape, depthwise),
  });

const inputGradient = (depthwise: boolean) =>
  op<Conv & { inputShape: Shape4D }>({
    infer: (_, { inputShape }) => float32(inputShape),
    flops: ({ dy, filter }) => 2 * size(dy) * taps(filter.shape, depthwise),
  });

const filterGradient = (depthwise: boolean) =>
  op<Conv & { filterShape: Shape4D }>({
    infer: (_, { filterShape }) => float32(filterShape),
    flops: ({ dy }, _, { filterShape }) => 2 * size(dy) * taps(filterShape, depthwise),
  });

const window = (filterSize: Pair | Triple) =>
  typeof filterSize === 'number' ? filterSize * filterSize : filterSize.reduce((a, b) => a * b, 1);

const pool = op<Pool>({
  infer: ({ x }, { filterSize, strides, pad, dimRoundingMode }) => ({
    shape: backend_util.computePool2DInfo(dims(x) as Shape4D, filterSize, strides, 1, pad, dimRoundingMode).outShape,
    dtype: x.dtype,
  }),
  flops: (_, [y], { filterSize }) => size(y) * window(filterSize),
});

const poolGradient = op<Pool>({
  infer: ({ input }) => float32(input.shape),
  flops: ({ dy }, _, { filterSize }) => size(dy) * window(filterSize),
});

const pool3D = op<Pool3D>({
  infer: ({ x }, { filterSize, strides, pad, dimRoundingMode, dataFormat }) => ({
    shape: backend_util.computePool3DInfo(dims(x) as Shape5D, filterSize, strides, 1, pad, dimRoundingMode, dataFormat)
      .outShape,
    dtype: x.dtype,
  }),
  flops: (_, [y], { filterSize }) => size(y) * window(filterSize),
});

const pool3DGradient = op<Pool3D>({
  infer: ({ input }) => float32(input.shape),
  flops: ({ dy }, _, { filterSize }) => size(dy) * window(filterSize),
});

interface Conv3D {
  strides: Triple;
  pad: 'valid' | 'same';
  dilations?: Triple;
}

const taps3D = (filter: readonly number[]) => filter.slice(0, 4).reduce((a, b) => a * b, 1);

interface Dilation {
  strides: Pair;
  pad: 'valid' | 'same';
  dilations: Pair;
}

export const convolution: OpTable = {
  AvgPool: pool,
  AvgPool3D: pool3D,
  AvgPool3DGrad: pool3DGradient,
  AvgPoolGrad: poolGradient,
  Conv2D: forward(false),
  Conv2DBackpropFilter: filterGradient(false),
  Conv2DBackpropInput: inputGradient(false),
  Conv3D: op<Conv3D>({
    infer: ({ x, filter }, { strides, pad, dilations }) =>
      float32(
        backend_util.computeConv3DInfo(dims(x) as Shape5D, dims(filter) as Shape5D, strides, dilations ?? 1, pad)
          .outShape,
      ),
    flops: ({ filter }, [y]) => 2 * size(y) * taps3D(filter.shape),
  }),
  Conv3DBackpropFilterV2: op<Conv3D & { filterShape: Shape5D }>({
    infer: (_, { filterShape }) => float32(filterShape),
    flops: ({ dy }, _, { filterShape }) => 2 * size(dy) * taps3D(filterShape),
  }),
  Conv3DBackpropInputV2: op<Conv3D & { inputShape: Shape5D }>({
    infer: (_, { inputShape }) => float32(inputShape),
    flops: ({ dy, filter }) => 2 * size(dy) * taps3D(filter.shape),
  }),
  DepthwiseConv2dNative: forward(true),
  DepthwiseConv2dNativeBackpropFilter: filterGradient(true),
  DepthwiseConv2dNativeBackpropInput: inputGradient(true),
  Dilation2D: op<Dilation>({
    infer: ({ x, filter }, { strides, pad, dilations }) => ({
      shape: backend_util.computeDilation2DInfo(
        dims(x) as Shape4D,
        dims(filter) as [number, number, number],
        strides,
        pad,
        'NHWC',
        dilations,
      ).outShape,
      dtype: x.dtype,
    }),
    flops: ({ filter }, [y]) => 2 * size(y) * filter.shape[0] * filter.shape[1],
  }),
  Dilation2DBackpropFilter: op({ infer: ({ filter }) => filter, flops: ({ dy, filter }) => size(dy) * size(filter) }),
  Dilation2DBackpropInput: op({ infer: ({ x }) => x, flops: ({ dy, filter }) => size(dy) * size(filter) }),
  FusedBatchNorm: op({ infer: ({ x }: Specs) => x, flops: ({ x }) => 5 * size(x) }),
  FusedConv2D: forward(false),
  FusedDepthwiseConv2D: forward(true),
  LRN: op<{ depthRadius: number }>({
    infer: ({ x }) => x,
    flops: ({ x }, _, { depthRadius }) => size(x) * (2 * (2 * depthRadius + 1) + 16),
  }),
  LRNGrad: op<{ depthRadius: number }>({
    infer: ({ x }) => x,
    flops: ({ x }, _, { depthRadius }) => size(x) * (4 * (2 * depthRadius + 1) + 16),
  }),
  MaxPool: pool,
  MaxPool3D: pool3D,
  MaxPool3DGrad: pool3DGradient,
  MaxPoolGrad: poolGradient,
  MaxPoolWithArgmax: op<Pool>({
    infer: ({ x }, { filterSize, strides, pad }) => {
      const shape = backend_util.computePool2DInfo(dims(x) as Shape4D, filterSize, strides, 1, pad).outShape;
      return [
        { shape, dtype: x.dtype },
        { shape, dtype: 'int32' },
      ];
    },
    flops: (_, [y], { filterSize }) => size(y) * window(filterSize),
  }),
};
