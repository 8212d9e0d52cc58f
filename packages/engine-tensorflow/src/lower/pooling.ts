import { backend_util } from '@tensorflow/tfjs-core';
import { ints, type, type Attributes, type Builder, type Tensor } from '../builder';
import { sizeOf } from '../element-type';
import { EngineError } from '../errors';
import { iota, zip, type Call, type Lowering, type LoweringTable } from './lowering';
import { frame, framedShape, isFramed, unframe, valid, type WindowAxis } from './window';

type Shape4D = [number, number, number, number];
type Shape5D = [number, number, number, number, number];
type Pad = Parameters<typeof backend_util.computeConv2DInfo>[4];

function windows({ attributes }: Call, shape: readonly number[]): WindowAxis[] {
  const { filterSize, strides, pad, dimRoundingMode, dataFormat } = attributes;
  if (shape.length === 4) {
    const c = backend_util.computePool2DInfo([...shape] as Shape4D, filterSize as number, strides as number, 1, pad as Pad, dimRoundingMode as 'floor');
    return [
      { length: c.inHeight, before: c.padInfo.top, out: c.outHeight, stride: c.strideHeight, window: c.filterHeight },
      { length: c.inWidth, before: c.padInfo.left, out: c.outWidth, stride: c.strideWidth, window: c.filterWidth },
    ];
  }
  if (dataFormat === 'NCDHW') throw new EngineError('pooling in three dimensions wants the format NDHWC; transpose what has channels first.');
  const c = backend_util.computePool3DInfo([...shape] as Shape5D, filterSize as number, strides as number, 1, pad as 'same', dimRoundingMode as 'floor');
  return [
    { length: c.inDepth, before: c.padInfo.front, out: c.outDepth, stride: c.strideDepth, window: c.filterDepth },
    { length: c.inHeight, before: c.padInfo.top, out: c.outHeight, stride: c.strideHeight, window: c.filterHeight },
    { length: c.inWidth, before: c.padInfo.left, out: c.outWidth, stride: c.strideWidth, window: c.filterWidth },
  ];
}

const poolAttributes = (axes: readonly WindowAxis[]): Attributes => ({
  ...valid(axes.map(({ stride }) => stride)),
  ksize: ints(1, ...axes.map(({ window }) => window), 1),
});

const pooled = (x: Tensor, axes: readonly WindowAxis[]): number[] => [x.shape[0], ...axes.map(({ out }) => out), x.shape.at(-1)!];

const opName = (kind: 'MaxPool' | 'AvgPool', axes: readonly WindowAxis[]): string => (axes.length === 3 ? `${kind}3D` : kind);

function maximum(b: Builder, images: Tensor, axes: readonly WindowAxis[]): Tensor {
  return b.op(opName('MaxPool', axes), [images], { shape: pooled(images, axes), type: 'float32' }, poolAttributes(axes));
}

const framedFloats = (b: Builder, x: Tensor, axes: readonly WindowAxis[], value: number) => frame(b, b.cast(x, 'float32'), axes, value);

const maxPool: Lowering = (b, call) => {
  const axes = windows(call, call.inputs.x.shape);
  return b.cast(maximum(b, framedFloats(b, call.inputs.x, axes, -Infinity), axes), call.outputs[0].type);
};

const maxPoolGrad: Lowering = (b, call) => {
  const axes = windows(call, call.inputs.input.shape);
  const images = framedFloats(b, call.inputs.input, axes, -Infinity);
  const attributes = axes.length === 3 ? { ...poolAttributes(axes), TInput: type('float32') } : poolAttributes(axes);
  const dx = b.op(`${opName('MaxPool', axes)}Grad`, [images, maximum(b, images, axes), call.inputs.dy], images, attributes);
  return unframe(b, dx, axes);
};

/** TensorFlow counts positions in the framed images; tfjs in (H, W, C), with the batch in front if asked. */
const maxPoolWithArgmax: Lowering = (b, call) => {
  const { x } = call.inputs;
  const axes = windows(call, x.shape);
  const images = framedFloats(b, x, axes, -Infinity);
  const shape = pooled(x, axes);
  const [values, found] = b.ops('MaxPoolWithArgmax', [images], [{ shape, type: 'float32' }, { shape, type: 'int64' }], {
    ...poolAttributes(axes),
    Targmax: type('int64'),
    include_batch_in_index: { b: false },
  });
  const channels = x.shape[3];
  const whole = (value: number) => b.scalar(value, 'int32');
  const index = b.cast(found, 'int32');
  const channel = zip(b, 'FloorMod', index, whole(channels));
  const pixel = zip(b, 'FloorDiv', index, whole(channels));
  const row = zip(b, 'Sub', zip(b, 'FloorDiv', pixel, whole(images.shape[2])), whole(axes[0].before));
  const column = zip(b, 'Sub', zip(b, 'FloorMod', pixel, whole(images.shape[2])), whole(axes[1].before));
  const inImage = zip(b, 'AddV2', zip(b, 'Mul', row, whole(x.shape[2])), column);
  const position = zip(b, 'AddV2', zip(b, 'Mul', inImage, whole(channels)), channel);
  if (!call.attributes.includeBatchInIndex) return [b.cast(values, call.outputs[0].type), position];
  const perImage = sizeOf(x.shape.slice(1));
  const offsets = b.integers(iota(x.shape[0]).map((image) => image * perImage), [x.shape[0], 1, 1, 1]);
  return [b.cast(values, call.outputs[0].type), zip(b, 'AddV2', position, offsets)];
};

/** Window size over the number of elements inside the image, per position. */
function correction(b: Builder, axes: readonly WindowAxis[]): Tensor {
  const inside = axes.map(({ length, before, out, stride, window }) =>
    iota(out).map((i) => Math.min(length, i * stride - before + window) - Math.max(0, i * stride - before)),
  );
  const shape = axes.map(({ out }) => out);
  const full = sizeOf(axes.map(({ window }) => window));
  const values = inside.reduce<number[]>((products, counts) => products.flatMap((product) => counts.map((count) => product * count)), [1]);
  return b.constant(Float32Array.from(values, (count) => full / count), [1, ...shape, 1], 'float32');
}

const avgPool: Lowering = (b, call) => {
  const { x } = call.inputs;
  const axes = windows(call, x.shape);
  const images = framedFloats(b, x, axes, 0);
  const y = b.op(opName('AvgPool', axes), [images], { shape: pooled(x, axes), type: 'float32' }, poolAttributes(axes));
  return b.cast(isFramed(axes) ? zip(b, 'Mul', y, correction(b, axes)) : y, call.outputs[0].type);
};

/** Every input gets dy of the windows it is in, divided by the size of the window (its padding included, as tfjs does). */
const avgPoolGrad: Lowering = (b, call) => {
  const { dy, input } = call.inputs;
  const axes = windows(call, input.shape);
  const shape = framedShape(input.shape, axes);
  const dx = b.op(`${opName('AvgPool', axes)}Grad`, [b.integers(shape), dy], { shape, type: 'float32' }, poolAttributes(axes));
  return unframe(b, dx, axes);
};

export const pooling: LoweringTable = {
  AvgPool: avgPool,
  AvgPool3D: avgPool,
  AvgPool3DGrad: avgPoolGrad,
  AvgPoolGrad: avgPoolGrad,
  MaxPool: maxPool,
  MaxPool3D: maxPool,
  MaxPool3DGrad: maxPoolGrad,
  MaxPoolGrad: maxPoolGrad,
  MaxPoolWithArgmax: maxPoolWithArgmax,
};
