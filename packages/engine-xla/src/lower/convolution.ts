import { backend_util } from '@tensorflow/tfjs-core';
import type { Builder, Window } from './builder';
import { activate, operand, productType } from './linear-algebra';
import { input, output, type Call, type Lowering, type LoweringTable } from './lowering';
import { range, sizeOf, typeText, type ElementType, type Tensor } from './tensor';

type Shape4D = [number, number, number, number];
type Shape5D = [number, number, number, number, number];
type Pad = Parameters<typeof backend_util.computeConv2DInfo>[4];
type Pad3D = Parameters<typeof backend_util.computeConv3DInfo>[4];

/** How a filter or a pooling window moves over each spatial axis. */
export interface Movement {
  readonly channelsLast: boolean;
  readonly inSize: readonly number[];
  readonly outSize: readonly number[];
  /** Size of the window without the gaps of its dilation, and with them. */
  readonly window: readonly number[];
  readonly reach: readonly number[];
  readonly strides: readonly number[];
  readonly dilations: readonly number[];
  /** Padding in front. What is behind follows from the sizes. */
  readonly before: readonly number[];
}

/** What tfjs's helpers compute, per spatial axis. */
type Info2D = ReturnType<typeof backend_util.computeConv2DInfo>;
type Info3D = ReturnType<typeof backend_util.computeConv3DInfo>;

export const movement2D = (c: Info2D): Movement => ({
  channelsLast: c.dataFormat === 'channelsLast',
  inSize: [c.inHeight, c.inWidth],
  outSize: [c.outHeight, c.outWidth],
  window: [c.filterHeight, c.filterWidth],
  reach: [c.effectiveFilterHeight, c.effectiveFilterWidth],
  strides: [c.strideHeight, c.strideWidth],
  dilations: [c.dilationHeight, c.dilationWidth],
  before: [c.padInfo.top, c.padInfo.left],
});

export const movement3D = (c: Info3D): Movement => ({
  channelsLast: c.dataFormat === 'channelsLast',
  inSize: [c.inDepth, c.inHeight, c.inWidth],
  outSize: [c.outDepth, c.outHeight, c.outWidth],
  window: [c.filterDepth, c.filterHeight, c.filterWidth],
  reach: [c.effectiveFilterDepth, c.effectiveFilterHeight, c.effectiveFilterWidth],
  strides: [c.strideDepth, c.strideHeight, c.strideWidth],
  dilations: [c.dilationDepth, c.dilationHeight, c.dilationWidth],
  before: [c.padInfo.front, c.padInfo.top, c.padInfo.left],
});

function convolutionMovement({ attributes }: Call, x: readonly number[], filter: readonly number[], depthwise: boolean): Movement {
  const { strides, dilations, pad, dimRoundingMode, dataFormat } = attributes;
  if (x.length === 5) {
    return movement3D(
      backend_util.computeConv3DInfo([...x] as Shape5D, [...filter] as Shape5D, strides as number, (dilations as number | undefined) ?? 1, pad as Pad3D),
    );
  }
  return movement2D(
    backend_util.computeConv2DInfo(
      [...x] as Shape4D,
      [...filter] as Shape4D,
      strides as number,
      (dilations as number | undefined) ?? 1,
      pad as Pad,
      dimRoundingMode as 'floor' | undefined,
      depthwise,
      backend_util.convertConv2DDataFormat((dataFormat as 'NHWC' | undefined) ?? 'NHWC'),
    ),
  );
}

interface Convolution {
  /** Letters of the axes of image, kernel and result: `b01f`, `01io`, `b01f`. */
  readonly axes: readonly [image: string, kernel: string, result: string];
  readonly strides: readonly number[];
  readonly low: readonly number[];
  readonly high: readonly number[];
  readonly spread: readonly number[];
  readonly dilations: readonly number[];
  readonly groups?: number;
  readonly batchGroups?: number;
}

function convolve(b: Builder, image: Tensor, kernel: Tensor, shape: readonly number[], type: ElementType, c: Convolution): Tensor {
  const letters = (axes: string) => `[${[...axes].join(', ')}]`;
  const list = (values: readonly number[]) => `[${values.join(', ')}]`;
  const padding = c.low.map((before, i) => list([before, c.high[i]!])).join(', ');
  const precision = image.type === 'f32' ? ', precision_config = [#stablehlo<precision HIGHEST>, #stablehlo<precision HIGHEST>]' : '';
  const [x, k, y] = c.axes;
  return b.emit(
    `stablehlo.convolution(${image.name}, ${kernel.name}) dim_numbers = ${letters(x)}x${letters(k)}->${letters(y)}, ` +
      `window = {stride = ${list(c.strides)}, pad = [${padding}], lhs_dilate = ${list(c.spread)}, rhs_dilate = ${list(c.dilations)}} ` +
      `{batch_group_count = ${c.batchGroups ?? 1} : i64, feature_group_count = ${c.groups ?? 1} : i64${precision}} : ` +
      `(${typeText(image)}, ${typeText(kernel)}) -> ${typeText({ shape, type })}`,
    { shape, type },
  );
}

const ones = (m: Movement): number[] => m.window.map(() => 1);
const spatial = (m: Movement): string => range(m.window.length).join('');
/** Axes of images: batch `b`, channels `f`. */
const imageAxes = (m: Movement, batch = 'b', channels = 'f'): string => (m.channelsLast ? `${batch}${spatial(m)}${channels}` : `${batch}${channels}${spatial(m)}`);

/** Filter (…, in, multiplier) of a depthwise convolution as (…, 1, in · multiplier). */
const grouped = (b: Builder, filter: Tensor): Tensor => b.reshape(filter, [...filter.shape.slice(0, -2), 1, sizeOf(filter.shape.slice(-2))]);

const forward =
  (depthwise: boolean): Lowering =>
  (b, call) => {
    const [x, filter] = [operand(b, input(call, 'x'), call), operand(b, input(call, 'filter'), call)];
    const m = convolutionMovement(call, x.shape, filter.shape, depthwise);
    const { bias } = call.inputs;
    const plain = bias === undefined && (call.attributes.activation ?? 'linear') === 'linear';
    const y = convolve(b, x, depthwise ? grouped(b, filter) : filter, output(call).shape, plain ? productType(call) : 'f32', {
      axes: [imageAxes(m), `${spatial(m)}io`, imageAxes(m)],
      strides: m.strides,
      low: m.before,
      high: m.outSize.map((out, i) => (out - 1) * m.strides[i]! + m.reach[i]! - m.inSize[i]! - m.before[i]!),
      spread: ones(m),
      dilations: m.dilations,
      groups: depthwise ? filter.shape.at(-2)! : 1,
    });
    if (bias === undefined) return activate(b, y, call);
    const channels = imageAxes(m).indexOf('f');
    const along = y.shape.map((length, axis) => (axis === channels ? length : 1));
    return activate(b, b.add(y, b.reshape(b.convert(bias, 'f32'), along)), call);
  };

/** The transpose of a convolution: dy spread by the strides, with the filter turned around. */
const inputGradient =
  (depthwise: boolean): Lowering =>
  (b, call) => {
    const [dy, filter] = [operand(b, input(call, 'dy'), call), operand(b, input(call, 'filter'), call)];
    const { shape } = output(call);
    const m = convolutionMovement(call, shape, filter.shape, depthwise);
    const turned = b.reverse(filter, range(m.window.length));
    const rank = filter.shape.length;
    // Each group of a depthwise convolution maps its multiplied channels back to one.
    const kernel = depthwise ? b.transpose(turned, [...range(rank - 2), rank - 1, rank - 2]) : turned;
    const low = m.reach.map((reach, i) => reach - 1 - m.before[i]!);
    return convolve(b, dy, kernel, shape, productType(call), {
      axes: [imageAxes(m), `${spatial(m)}${depthwise ? 'io' : 'oi'}`, imageAxes(m)],
      strides: ones(m),
      low,
      high: m.inSize.map((size, i) => size - ((m.outSize[i]! - 1) * m.strides[i]! + 1) - low[i]! + m.reach[i]! - 1),
      spread: m.strides,
      dilations: m.dilations,
      groups: depthwise ? filter.shape.at(-2)! : 1,
    });
  };

/** The correlation of images with dy, whose batch axis is summed over; stride and dilation exchange their roles. */
const filterGradient =
  (depthwise: boolean): Lowering =>
  (b, call) => {
    const [x, dy] = [operand(b, input(call, 'x'), call), operand(b, input(call, 'dy'), call)];
    const { shape } = output(call);
    const m = convolutionMovement(call, x.shape, shape, depthwise);
    const result = depthwise ? [...shape.slice(0, -2), 1, sizeOf(shape.slice(-2))] : shape;
    const correlation = convolve(b, x, dy, result, productType(call), {
      axes: [imageAxes(m, 'f', 'b'), imageAxes(m, 'i', 'o'), `${spatial(m)}bf`],
      strides: m.dilations,
      low: m.before,
      high: m.window.map((size, i) => (size - 1) * m.dilations[i]! + (m.outSize[i]! - 1) * m.strides[i]! + 1 - m.inSize[i]! - m.before[i]!),
      spread: ones(m),
      dilations: m.strides,
      batchGroups: depthwise ? shape.at(-2)! : 1,
    });
    return b.reshape(correlation, shape);
  };

const batchNorm: Lowering = (b, { inputs: { x, mean, variance, offset, scale }, attributes }) => {
  const epsilon = (attributes.varianceEpsilon as number | undefined) ?? 0.001;
  const deviation = b.unary('stablehlo.sqrt', b.plus(variance!, epsilon));
  const normalised = b.divide(b.subtract(x!, mean!), deviation);
  const scaled = scale ? b.multiply(normalised, scale) : normalised;
  return offset ? b.add(scaled, offset) : scaled;
};

interface ResponseNormalisation {
  readonly depthRadius: number;
  readonly bias: number;
  readonly alpha: number;
  readonly beta: number;
}

/** Sum over neighbouring channels. */
const around = (b: Builder, x: Tensor, radius: number): Tensor =>
  b.reduceWindow('add', x, { size: [1, 1, 1, 2 * radius + 1], low: [0, 0, 0, radius], high: [0, 0, 0, radius] } satisfies Window);

/** bias + alpha Σ x² over neighbouring channels. */
const energy = (b: Builder, x: Tensor, { depthRadius, bias, alpha }: ResponseNormalisation): Tensor =>
  b.plus(b.times(around(b, b.multiply(x, x), depthRadius), alpha), bias);

const power = (b: Builder, x: Tensor, exponent: number): Tensor => b.binary('power', x, b.scalar(exponent, 'f32'));

const responseNormalisation: Lowering = (b, { inputs: { x }, attributes }) => {
  const options = attributes as unknown as ResponseNormalisation;
  return b.multiply(x!, power(b, energy(b, x!, options), -options.beta));
};

/** dx = e^-β dy − 2 α β x Σ (dy y / e) */
const responseNormalisationGrad: Lowering = (b, { inputs: { x, y, dy }, attributes }) => {
  const options = attributes as unknown as ResponseNormalisation;
  const e = energy(b, x!, options);
  const direct = b.multiply(dy!, power(b, e, -options.beta));
  const sum = around(b, b.divide(b.multiply(dy!, y!), e), options.depthRadius);
  return b.subtract(direct, b.times(b.multiply(x!, sum), 2 * options.alpha * options.beta));
};

export const convolution: LoweringTable = {
  Conv2D: forward(false),
  Conv2DBackpropFilter: filterGradient(false),
  Conv2DBackpropInput: inputGradient(false),
  Conv3D: forward(false),
  Conv3DBackpropFilterV2: filterGradient(false),
  Conv3DBackpropInputV2: inputGradient(false),
  DepthwiseConv2dNative: forward(true),
  DepthwiseConv2dNativeBackpropFilter: filterGradient(true),
  DepthwiseConv2dNativeBackpropInput: inputGradient(true),
  FusedBatchNorm: batchNorm,
  FusedConv2D: forward(false),
  FusedDepthwiseConv2D: forward(true),
  LRN: responseNormalisation,
  LRNGrad: responseNormalisationGrad,
};
