import { backend_util } from '@tensorflow/tfjs-core';
import type { Builder } from '../builder';
import { sizeOf } from '../element-type';
import type { Tensor } from '../program';
import { map, zip } from './elementwise';
import { activate } from './linear-algebra';
import { transpose, type Call, type Lowering, type LoweringTable } from './lowering';
import { reduce } from './reductions';
import { slice } from './shape';

type Shape4D = [number, number, number, number];
type Pad = Parameters<typeof backend_util.computeConv2DInfo>[4];
type Conv2DInfo = ReturnType<typeof backend_util.computeConv2DInfo>;

const info = (call: Call, xShape: readonly number[], filterShape: readonly number[], depthwise: boolean): Conv2DInfo => {
  const { strides, dilations, pad, dimRoundingMode, dataFormat } = call.attributes;
  return backend_util.computeConv2DInfo(
    [...xShape] as Shape4D,
    [...filterShape] as Shape4D,
    strides as number,
    (dilations as number | undefined) ?? 1,
    pad as Pad,
    dimRoundingMode as 'floor' | undefined,
    depthwise,
    backend_util.convertConv2DDataFormat((dataFormat as 'NHWC' | undefined) ?? 'NHWC'),
  );
};

const toChannelsFirst = (b: Builder, x: Tensor, c: Conv2DInfo) =>
  c.dataFormat === 'channelsLast' ? transpose(b, x, [0, 3, 1, 2]) : x;
const fromChannelsFirst = (b: Builder, x: Tensor, c: Conv2DInfo) =>
  c.dataFormat === 'channelsLast' ? transpose(b, x, [0, 2, 3, 1]) : x;

/**
 * Begins, then ends, as ONNX counts them. The ends follow from the output's size: for a number as
 * padding tfjs computes the width with the height of the filter.
 */
function pads(c: Conv2DInfo): number[] {
  const { top, left } = c.padInfo;
  const bottom = (c.outHeight - 1) * c.strideHeight + c.effectiveFilterHeight - c.inHeight - top;
  const right = (c.outWidth - 1) * c.strideWidth + c.effectiveFilterWidth - c.inWidth - left;
  return [top, left, Math.max(0, bottom), Math.max(0, right)];
}

const windowAttributes = (c: Conv2DInfo) => ({
  strides: [c.strideHeight, c.strideWidth],
  dilations: [c.dilationHeight, c.dilationWidth],
  pads: pads(c),
});

/** Filter (h, w, in, out), or (h, w, in, multiplier) depthwise, as ONNX's (out, in / group, h, w). */
function onnxFilter(b: Builder, filter: Tensor, depthwise: boolean): Tensor {
  const [h, w, channels, last] = filter.shape;
  if (!depthwise) return transpose(b, filter, [3, 2, 0, 1]);
  return b.view(transpose(b, filter, [2, 3, 0, 1]), [channels * last, 1, h, w]);
}

const convolve =
  (depthwise: boolean): Lowering =>
  (b, call) => {
    const { x, filter, bias } = call.inputs;
    const c = info(call, x.shape, filter.shape, depthwise);
    const { batchSize, outChannels, outHeight, outWidth } = c;
    const [top, left, bottom, right] = pads(c);
    const full = [
      batchSize,
      outChannels,
      Math.floor((c.inHeight + top + bottom - c.effectiveFilterHeight) / c.strideHeight) + 1,
      Math.floor((c.inWidth + left + right - c.effectiveFilterWidth) / c.strideWidth) + 1,
    ];
    const y = b.ort(
      'Conv',
      [toChannelsFirst(b, x, c), onnxFilter(b, filter, depthwise), bias ? b.view(bias, [outChannels]) : null],
      { shape: full, type: 'float32' },
      { attributes: { ...windowAttributes(c), group: depthwise ? c.inChannels : 1 } },
    );
    const cut = slice(b, y, [0, 0, 0, 0], [batchSize, outChannels, outHeight, outWidth]);
    return activate(b, fromChannelsFirst(b, cut, c), call);
  };

const inputGradient =
  (depthwise: boolean): Lowering =>
  (b, call) => {
    const { dy, filter } = call.inputs;
    const c = info(call, call.outputs[0].shape, filter.shape, depthwise);
    return fromChannelsFirst(b, spread(b, toChannelsFirst(b, dy, c), onnxFilter(b, filter, depthwise), c, depthwise ? c.inChannels : 1), c);
  };

/** The transpose of a convolution: (N, out, h, w) back to (N, in, H, W). */
function spread(b: Builder, dy: Tensor, filter: Tensor, c: Conv2DInfo, group: number, channels = c.inChannels): Tensor {
  const reach = (out: number, stride: number, window: number, before: number, after: number) =>
    (out - 1) * stride + window - before - after;
  const [top, left, bottom, right] = pads(c);
  const missing = [
    c.inHeight - reach(c.outHeight, c.strideHeight, c.effectiveFilterHeight, top, bottom),
    c.inWidth - reach(c.outWidth, c.strideWidth, c.effectiveFilterWidth, left, right),
  ];
  // Rows and columns at the end that no window reaches get zeros.
  const attributes = {
    strides: [c.strideHeight, c.strideWidth],
    dilations: [c.dilationHeight, c.dilationWidth],
    pads: pads(c),
    group,
  };
  const shape = [dy.shape[0], channels, c.inHeight - missing[0], c.inWidth - missing[1]];
  const dx = b.ort('ConvTranspose', [dy, filter], { shape, type: 'float32' }, { attributes });
  if (missing[0] === 0 && missing[1] === 0) return dx;
  return b.ort('Pad', [dx, b.integers([0, 0, 0, 0, 0, 0, ...missing]), b.scalar(0)], {
    shape: [...shape.slice(0, 2), c.inHeight, c.inWidth],
    type: 'float32',
  });
}

/** dfilter[kh, kw, i, o] is the convolution of x with dy, with batch and channels exchanged. */
const filterGradient: Lowering = (b, call) => {
  const { x, dy } = call.inputs;
  const [h, w, channels, out] = call.outputs[0].shape;
  const c = info(call, x.shape, call.outputs[0].shape, false);
  const images = transpose(b, toChannelsFirst(b, x, c), [1, 0, 2, 3]); // (in, N, H, W)
  const kernels = transpose(b, toChannelsFirst(b, dy, c), [1, 0, 2, 3]); // (out, N, oh, ow)
  return transpose(b, correlate(b, images, kernels, c, h, w, 1, [channels, out]), [2, 3, 0, 1]);
};

/** One group per channel: (1, N·in, …) with kernels (N·in…) would mix images, so each image is a group and they are summed. */
const depthwiseFilterGradient: Lowering = (b, call) => {
  const { x, dy } = call.inputs;
  const [h, w, channels, multiplier] = call.outputs[0].shape;
  const c = info(call, x.shape, call.outputs[0].shape, true);
  const { batchSize: n } = c;
  const images = b.view(toChannelsFirst(b, x, c), [1, n * channels, c.inHeight, c.inWidth]);
  const kernels = b.view(toChannelsFirst(b, dy, c), [n * channels * multiplier, 1, c.outHeight, c.outWidth]);
  const parts = correlate(b, images, kernels, c, h, w, n * channels, [1, n * channels * multiplier]);
  const sum = reduce(b, 'ReduceSum', b.view(parts, [n, channels, multiplier, h, w]), [0]);
  return transpose(b, b.view(sum, [channels, multiplier, h, w]), [2, 3, 0, 1]);
};

/** Correlation with the roles of stride and dilation exchanged, cut to the size of the filter. */
function correlate(
  b: Builder,
  images: Tensor,
  kernels: Tensor,
  c: Conv2DInfo,
  h: number,
  w: number,
  group: number,
  lead: readonly number[],
): Tensor {
  const extent = (size: number, before: number, after: number, out: number, stride: number, dilation: number) =>
    Math.floor((size + before + after - (out - 1) * stride - 1) / dilation) + 1;
  const [top, left, bottom, right] = pads(c);
  const full = [
    extent(c.inHeight, top, bottom, c.outHeight, c.strideHeight, c.dilationHeight),
    extent(c.inWidth, left, right, c.outWidth, c.strideWidth, c.dilationWidth),
  ];
  const y = b.ort('Conv', [images, kernels, null], { shape: [...lead, ...full], type: 'float32' }, {
    attributes: {
      strides: [c.dilationHeight, c.dilationWidth],
      dilations: [c.strideHeight, c.strideWidth],
      pads: pads(c),
      group,
    },
  });
  return slice(b, y, [0, 0, 0, 0], [...lead, h, w]);
}

const poolInfo = ({ attributes }: Call, shape: readonly number[]): Conv2DInfo => {
  const { filterSize, strides, pad, dimRoundingMode } = attributes;
  return backend_util.computePool2DInfo(
    [...shape] as Shape4D,
    filterSize as number,
    strides as number,
    1,
    pad as Pad,
    dimRoundingMode as 'floor' | undefined,
  );
};

const poolAttributes = (c: Conv2DInfo) => ({ ...windowAttributes(c), kernel_shape: [c.filterHeight, c.filterWidth] });

const pooledShape = (c: Conv2DInfo) => [c.batchSize, c.inChannels, c.outHeight, c.outWidth];

const maxPool: Lowering = (b, call) => {
  const x = b.cast(call.inputs.x, 'float32');
  const c = poolInfo(call, x.shape);
  const y = b.ort('MaxPool', [toChannelsFirst(b, x, c)], { shape: pooledShape(c), type: 'float32' }, { attributes: poolAttributes(c) });
  return b.cast(fromChannelsFirst(b, y, c), call.outputs[0].type);
};

/** Where in (N, C, H, W), counted flat, each window has its first maximum. */
function maximumPositions(b: Builder, x: Tensor, c: Conv2DInfo): [values: Tensor, indices: Tensor] {
  const shape = pooledShape(c);
  const [values, indices] = b.ortMany('MaxPool', [toChannelsFirst(b, x, c)], [
    { shape, type: 'float32' },
    { shape, type: 'int64' },
  ], { attributes: poolAttributes(c) });
  return [values, indices];
}

const maxPoolGrad: Lowering = (b, call) => {
  const { dy, input } = call.inputs;
  const c = poolInfo(call, input.shape);
  const [, indices] = maximumPositions(b, input, c);
  const size = sizeOf(input.shape);
  const outputs = sizeOf(indices.shape);
  const dx = b.ort(
    'ScatterElements',
    [b.fill(0, [size], 'float32'), b.view(indices, [outputs]), b.view(toChannelsFirst(b, dy, c), [outputs])],
    { shape: [size], type: 'float32' },
    { attributes: { axis: 0, reduction: 'add' } },
  );
  return fromChannelsFirst(b, b.view(dx, [c.batchSize, c.inChannels, c.inHeight, c.inWidth]), c);
};

/** tfjs counts positions in (H, W, C), with the batch in front if asked. */
const maxPoolWithArgmax: Lowering = (b, call) => {
  const { x } = call.inputs;
  const c = poolInfo(call, x.shape);
  const [values, indices] = maximumPositions(b, x, c);
  const area = c.inHeight * c.inWidth;
  const perImage = area * c.inChannels;
  const long = (value: number) => b.scalar(value, 'int64');
  // flat = (n · C + ch) · area + p  ->  (n ·) H W C: p · C + ch
  const channel = b.ort('Mod', [zip(b, 'Div', indices, long(area)), long(c.inChannels)], indices);
  const pixel = b.ort('Mod', [indices, long(area)], indices);
  let position = zip(b, 'Add', zip(b, 'Mul', pixel, long(c.inChannels)), channel);
  if (call.attributes.includeBatchInIndex) {
    const image = zip(b, 'Div', indices, long(perImage));
    position = zip(b, 'Add', position, zip(b, 'Mul', image, long(perImage)));
  }
  return [fromChannelsFirst(b, values, c), fromChannelsFirst(b, b.cast(position, 'int32'), c)];
};

const avgPool: Lowering = (b, call) => {
  const { x } = call.inputs;
  const c = poolInfo(call, x.shape);
  const y = b.ort('AveragePool', [toChannelsFirst(b, b.cast(x, 'float32'), c)], { shape: pooledShape(c), type: 'float32' }, {
    attributes: { ...poolAttributes(c), count_include_pad: 0 },
  });
  return b.cast(fromChannelsFirst(b, y, c), call.outputs[0].type);
};

/** Every input gets dy of the windows it is in, divided by the size of the window (its padding included, as tfjs does). */
const avgPoolGrad: Lowering = (b, call) => {
  const { dy, input } = call.inputs;
  const c = poolInfo(call, input.shape);
  const images = c.batchSize * c.inChannels;
  const rows = b.view(toChannelsFirst(b, dy, c), [images, 1, c.outHeight, c.outWidth]);
  const weight = 1 / (c.filterHeight * c.filterWidth);
  const filter = b.constant(
    new Float32Array(c.filterHeight * c.filterWidth).fill(weight),
    [1, 1, c.filterHeight, c.filterWidth],
    'float32',
  );
  const dx = spread(b, rows, filter, c, 1, 1);
  return fromChannelsFirst(b, b.view(dx, [c.batchSize, c.inChannels, c.inHeight, c.inWidth]), c);
};

const batchNorm: Lowering = (b, { inputs: { x, mean, variance, offset, scale }, attributes }) => {
  const epsilon = (attributes.varianceEpsilon as number | undefined) ?? 0.001;
  const deviation = map(b, 'Sqrt', zip(b, 'Add', variance, b.scalar(epsilon)));
  const normalised = zip(b, 'Div', zip(b, 'Sub', x, mean), deviation);
  const scaled = scale ? zip(b, 'Mul', normalised, scale) : normalised;
  return offset ? zip(b, 'Add', scaled, offset) : scaled;
};

/** Sum over a window of channels, as a product with a band matrix. */
function windowSum(b: Builder, x: Tensor, radius: number): Tensor {
  const channels = x.shape.at(-1)!;
  const band = Float32Array.from({ length: channels * channels }, (_, i) =>
    Math.abs((i % channels) - Math.floor(i / channels)) <= radius ? 1 : 0,
  );
  return b.ort('MatMul', [x, b.constant(band, [channels, channels], 'float32')], x);
}

interface ResponseNormalisation {
  readonly depthRadius: number;
  readonly bias: number;
  readonly alpha: number;
  readonly beta: number;
}

/** bias + alpha Σ x² over neighbouring channels. */
function energy(b: Builder, x: Tensor, { depthRadius, bias, alpha }: ResponseNormalisation): Tensor {
  const sum = windowSum(b, zip(b, 'Mul', x, x), depthRadius);
  return zip(b, 'Add', zip(b, 'Mul', sum, b.scalar(alpha)), b.scalar(bias));
}

const responseNormalisation: Lowering = (b, { inputs: { x }, attributes }) => {
  const options = attributes as unknown as ResponseNormalisation;
  return zip(b, 'Mul', x, zip(b, 'Pow', energy(b, x, options), b.scalar(-options.beta)));
};

/** dx = e^-β dy − 2 α β x Σ (dy x e^(-β-1)) */
const responseNormalisationGrad: Lowering = (b, { inputs: { x, dy }, attributes }) => {
  const options = attributes as unknown as ResponseNormalisation;
  const e = energy(b, x, options);
  const direct = zip(b, 'Mul', dy, zip(b, 'Pow', e, b.scalar(-options.beta)));
  const inner = zip(b, 'Mul', zip(b, 'Mul', dy, x), zip(b, 'Pow', e, b.scalar(-options.beta - 1)));
  const around = zip(b, 'Mul', x, windowSum(b, inner, options.depthRadius));
  return zip(b, 'Sub', direct, zip(b, 'Mul', around, b.scalar(2 * options.alpha * options.beta)));
};

export const convolution: LoweringTable = {
  AvgPool: avgPool,
  AvgPoolGrad: avgPoolGrad,
  Conv2D: convolve(false),
  Conv2DBackpropFilter: filterGradient,
  Conv2DBackpropInput: inputGradient(false),
  DepthwiseConv2dNative: convolve(true),
  DepthwiseConv2dNativeBackpropFilter: depthwiseFilterGradient,
  DepthwiseConv2dNativeBackpropInput: inputGradient(true),
  FusedBatchNorm: batchNorm,
  FusedConv2D: convolve(false),
  FusedDepthwiseConv2D: convolve(true),
  LRN: responseNormalisation,
  LRNGrad: responseNormalisationGrad,
  MaxPool: maxPool,
  MaxPoolGrad: maxPoolGrad,
  MaxPoolWithArgmax: maxPoolWithArgmax,
};

