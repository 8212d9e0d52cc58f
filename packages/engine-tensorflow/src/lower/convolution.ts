import { backend_util } from '@tensorflow/tfjs-core';
import { ints, type, type Builder, type Tensor } from '../builder';
import { EngineError } from '../errors';
import { activated, operands, productTypes } from './linear-algebra';
import { map, pad, slice, transpose, zip, type Call, type Lowering, type LoweringTable } from './lowering';
import { frame, framedShape, unframe, valid, type WindowAxis } from './window';

type Shape4D = [number, number, number, number];
type Shape5D = [number, number, number, number, number];
type Pad = Parameters<typeof backend_util.computeConv2DInfo>[4];

interface Conv {
  readonly axes: readonly WindowAxis[];
  readonly strides: readonly number[];
  readonly dilations: readonly number[];
  readonly channelsFirst: boolean;
}

function conv2d({ attributes }: Call, xShape: readonly number[], filterShape: readonly number[], depthwise: boolean): Conv {
  const { strides, dilations, pad, dimRoundingMode, dataFormat } = attributes;
  const c = backend_util.computeConv2DInfo(
    [...xShape] as Shape4D,
    [...filterShape] as Shape4D,
    strides as number,
    (dilations as number | undefined) ?? 1,
    pad as Pad,
    dimRoundingMode as 'floor' | undefined,
    depthwise,
    backend_util.convertConv2DDataFormat((dataFormat as 'NHWC' | undefined) ?? 'NHWC'),
  );
  return {
    axes: [
      { length: c.inHeight, before: c.padInfo.top, out: c.outHeight, stride: c.strideHeight, window: c.effectiveFilterHeight },
      { length: c.inWidth, before: c.padInfo.left, out: c.outWidth, stride: c.strideWidth, window: c.effectiveFilterWidth },
    ],
    strides: [c.strideHeight, c.strideWidth],
    dilations: [c.dilationHeight, c.dilationWidth],
    channelsFirst: c.dataFormat === 'channelsFirst',
  };
}

function conv3d({ attributes }: Call, xShape: readonly number[], filterShape: readonly number[]): Conv {
  const { strides, dilations, pad } = attributes;
  const c = backend_util.computeConv3DInfo(
    [...xShape] as Shape5D,
    [...filterShape] as Shape5D,
    strides as number,
    (dilations as number | undefined) ?? 1,
    pad as 'same',
  );
  return {
    axes: [
      { length: c.inDepth, before: c.padInfo.front, out: c.outDepth, stride: c.strideDepth, window: c.effectiveFilterDepth },
      { length: c.inHeight, before: c.padInfo.top, out: c.outHeight, stride: c.strideHeight, window: c.effectiveFilterHeight },
      { length: c.inWidth, before: c.padInfo.left, out: c.outWidth, stride: c.strideWidth, window: c.effectiveFilterWidth },
    ],
    strides: [c.strideDepth, c.strideHeight, c.strideWidth],
    dilations: [c.dilationDepth, c.dilationHeight, c.dilationWidth],
    channelsFirst: false,
  };
}

const toLast = (b: Builder, x: Tensor, { channelsFirst }: Conv): Tensor => (channelsFirst ? transpose(b, x, [0, 2, 3, 1]) : x);
const fromLast = (b: Builder, x: Tensor, { channelsFirst }: Conv): Tensor => (channelsFirst ? transpose(b, x, [0, 3, 1, 2]) : x);

/** Put `factors[i] - 1` zeros between the elements of axis `first + i`. */
function dilate(b: Builder, x: Tensor, factors: readonly number[], first: number): Tensor {
  if (factors.every((factor) => factor === 1)) return x;
  const spatial = (axis: number) => axis >= first && axis < first + factors.length;
  const apart = x.shape.flatMap((d, axis) => (spatial(axis) ? [d, 1] : [d]));
  const paddings = x.shape.flatMap((_, axis) => (spatial(axis) ? [[0, 0], [0, factors[axis - first] - 1]] : [[0, 0]]));
  const joined = x.shape.map((d, axis) => (spatial(axis) ? d * factors[axis - first] : d));
  const size = x.shape.map((d, axis) => (spatial(axis) ? (d - 1) * factors[axis - first] + 1 : d));
  return slice(b, b.reshape(pad(b, b.reshape(x, apart), paddings), joined), joined.map(() => 0), size);
}

/** The transpose of {@link dilate}. */
function every(b: Builder, x: Tensor, factors: readonly number[], first: number): Tensor {
  if (factors.every((factor) => factor === 1)) return x;
  const strides = x.shape.map((_, axis) => factors[axis - first] ?? 1);
  const shape = x.shape.map((d, axis) => Math.ceil(d / strides[axis]));
  return b.op('StridedSlice', [x, b.integers(shape.map(() => 0)), b.integers(x.shape), b.integers(strides)], { shape, type: x.type }, {
    T: type(x),
    Index: type('int32'),
  });
}

/** Dilated filters are written out with their zeros: TensorFlow's CPU gradients know none. */
const spread = (b: Builder, filter: Tensor, { dilations }: Conv): Tensor => dilate(b, filter, dilations, 0);

const spreadShape = (filterShape: readonly number[], { axes, dilations }: Conv): number[] =>
  filterShape.map((d, axis) => (axis < axes.length ? (d - 1) * dilations[axis] + 1 : d));

const outputShape = (x: Tensor, { axes }: Conv, channels: number): number[] => [x.shape[0], ...axes.map(({ out }) => out), channels];

function convolve(b: Builder, call: Call, depthwise: boolean): Tensor {
  const c = conv2d(call, call.inputs.x.shape, call.inputs.filter.shape, depthwise);
  const [x, filter] = operands(b, [call.inputs.x, call.inputs.filter], productTypes(call));
  const [, , channels, last] = filter.shape;
  const images = frame(b, toLast(b, x, c), c.axes);
  const shape = outputShape(images, c, depthwise ? channels * last : last);
  return fromLast(b, stridedConvolution(b, images, spread(b, filter, c), c, shape, depthwise), c);
}

/** Depthwise kernels have one stride for both axes: others are steps through a convolution of stride 1. */
const uneven = ({ strides }: Conv, depthwise: boolean): boolean => depthwise && strides[0] !== strides[1];

function stridedConvolution(b: Builder, images: Tensor, filter: Tensor, c: Conv, shape: readonly number[], depthwise: boolean): Tensor {
  const op = depthwise ? 'DepthwiseConv2dNative' : 'Conv2D';
  if (!uneven(c, depthwise)) return b.op(op, [images, filter], { shape, type: images.type }, valid(c.strides, type(images)));
  const dense = shape.map((d, axis) => (axis === 1 || axis === 2 ? images.shape[axis] - filter.shape[axis - 1] + 1 : d));
  const y = b.op(op, [images, filter], { shape: dense, type: images.type }, valid([1, 1], type(images)));
  return every(b, y, c.strides, 1);
}

/** dy and the strides with which it belongs to the framed images. */
function steps(b: Builder, dy: Tensor, c: Conv, images: readonly number[], filter: readonly number[], depthwise: boolean): [Tensor, readonly number[]] {
  if (!uneven(c, depthwise)) return [dy, c.strides];
  const apart = dilate(b, dy, c.strides, 1);
  const dense = [1, 2].map((axis) => images[axis] - filter[axis - 1] + 1);
  const filled = pad(b, apart, [[0, 0], ...dense.map((d, i) => [0, d - apart.shape[i + 1]]), [0, 0]]);
  return [filled, [1, 1]];
}

const forward =
  (depthwise: boolean): Lowering =>
  (b, call) => {
    const y = convolve(b, call, depthwise);
    const { bias } = call.inputs;
    if (bias === undefined && call.attributes.activation === undefined) return y;
    const result = b.cast(y, 'float32');
    return activated(b, bias === undefined ? result : zip(b, 'AddV2', result, b.cast(bias, 'float32')), call);
  };

const inputGradient =
  (depthwise: boolean): Lowering =>
  (b, call) => {
    const xShape = call.outputs[0].shape;
    const c = conv2d(call, xShape, call.inputs.filter.shape, depthwise);
    const [gradient, filter] = operands(b, [call.inputs.dy, call.inputs.filter], productTypes(call));
    const lastShape = c.channelsFirst ? [xShape[0], xShape[2], xShape[3], xShape[1]] : xShape;
    const shape = framedShape(lastShape, c.axes);
    const whole = spread(b, filter, c);
    const [dy, strides] = steps(b, toLast(b, gradient, c), c, shape, whole.shape, depthwise);
    const op = depthwise ? 'DepthwiseConv2dNativeBackpropInput' : 'Conv2DBackpropInput';
    const dx = b.op(op, [b.integers(shape), whole, dy], { shape, type: dy.type }, valid(strides, type(dy)));
    return fromLast(b, unframe(b, dx, c.axes), c);
  };

const filterGradient =
  (depthwise: boolean): Lowering =>
  (b, call) => {
    const filterShape = call.outputs[0].shape;
    const c = conv2d(call, call.inputs.x.shape, filterShape, depthwise);
    const [x, gradient] = operands(b, [call.inputs.x, call.inputs.dy], productTypes(call));
    const images = frame(b, toLast(b, x, c), c.axes);
    const shape = spreadShape(filterShape, c);
    const [dy, strides] = steps(b, toLast(b, gradient, c), c, images.shape, shape, depthwise);
    const op = depthwise ? 'DepthwiseConv2dNativeBackpropFilter' : 'Conv2DBackpropFilter';
    const df = b.op(op, [images, b.integers(shape), dy], { shape, type: dy.type }, valid(strides, type(dy)));
    return every(b, df, c.dilations, 0);
  };

const forward3D: Lowering = (b, call) => {
  const { x, filter } = call.inputs;
  const c = conv3d(call, x.shape, filter.shape);
  const shape = outputShape(x, c, filter.shape.at(-1)!);
  return b.op('Conv3D', [frame(b, x, c.axes), spread(b, filter, c)], { shape, type: 'float32' }, valid(c.strides));
};

const inputGradient3D: Lowering = (b, call) => {
  const { dy, filter } = call.inputs;
  const c = conv3d(call, call.outputs[0].shape, filter.shape);
  const shape = framedShape(call.outputs[0].shape, c.axes);
  const dx = b.op('Conv3DBackpropInputV2', [b.integers(shape), spread(b, filter, c), dy], { shape, type: 'float32' }, {
    ...valid(c.strides),
    Tshape: type('int32'),
  });
  return unframe(b, dx, c.axes);
};

const filterGradient3D: Lowering = (b, call) => {
  const { x, dy } = call.inputs;
  const filterShape = call.outputs[0].shape;
  const c = conv3d(call, x.shape, filterShape);
  const shape = spreadShape(filterShape, c);
  const df = b.op('Conv3DBackpropFilterV2', [frame(b, x, c.axes), b.integers(shape), dy], { shape, type: 'float32' }, valid(c.strides));
  return every(b, df, c.dilations, 0);
};

/** Morphological dilation; its padding is TensorFlow's own, because what it pads with is not a number. */
const morphology =
  (op: string): Lowering =>
  (b, { inputs: { x, filter, dy }, attributes, outputs: [y] }) => {
    const { strides, pad, dilations } = attributes as { strides: number | number[]; pad: unknown; dilations: number | number[] };
    if (pad !== 'same' && pad !== 'valid') throw new EngineError(`dilation2d has the padding ${JSON.stringify(pad)}; TensorFlow knows 'same' and 'valid'.`);
    const pair = (value: number | number[]) => (typeof value === 'number' ? [value, value] : value);
    return b.op(op, dy === undefined ? [x, filter] : [x, filter, dy], y, {
      T: type(x),
      strides: ints(1, ...pair(strides), 1),
      rates: ints(1, ...pair(dilations ?? 1), 1),
      padding: { s: pad.toUpperCase() },
    });
  };

const batchNorm: Lowering = (b, { inputs: { x, mean, variance, offset, scale }, attributes }) => {
  const epsilon = (attributes.varianceEpsilon as number | undefined) ?? 0.001;
  const inverse = map(b, 'Rsqrt', zip(b, 'AddV2', variance, b.scalar(epsilon)));
  const normalised = zip(b, 'Mul', zip(b, 'Sub', x, mean), inverse);
  const scaled = scale ? zip(b, 'Mul', normalised, scale) : normalised;
  return offset ? zip(b, 'AddV2', scaled, offset) : scaled;
};

const response =
  (op: string): Lowering =>
  (b, { inputs: { x, y, dy }, attributes, outputs: [result] }) =>
    b.op(op, dy === undefined ? [x] : [dy, x, y], result, {
      T: type('float32'),
      depth_radius: { i: attributes.depthRadius as number },
      bias: { f: attributes.bias as number },
      alpha: { f: attributes.alpha as number },
      beta: { f: attributes.beta as number },
    });

export const convolution: LoweringTable = {
  Conv2D: forward(false),
  Conv2DBackpropFilter: filterGradient(false),
  Conv2DBackpropInput: inputGradient(false),
  Conv3D: forward3D,
  Conv3DBackpropFilterV2: filterGradient3D,
  Conv3DBackpropInputV2: inputGradient3D,
  DepthwiseConv2dNative: forward(true),
  DepthwiseConv2dNativeBackpropFilter: filterGradient(true),
  DepthwiseConv2dNativeBackpropInput: inputGradient(true),
  Dilation2D: morphology('Dilation2D'),
  Dilation2DBackpropFilter: morphology('Dilation2DBackpropFilter'),
  Dilation2DBackpropInput: morphology('Dilation2DBackpropInput'),
  FusedBatchNorm: batchNorm,
  FusedConv2D: forward(false),
  FusedDepthwiseConv2D: forward(true),
  LRN: response('LRN'),
  LRNGrad: response('LRNGrad'),
};
