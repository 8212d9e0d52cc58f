import { backend_util } from '@tensorflow/tfjs-core';
import { flag, type, type Builder, type Tensor } from '../builder';
import { EngineError } from '../errors';
import { concat, iota, type Lowering, type LoweringTable } from './lowering';
import { reverse } from './shape';

const resize =
  (op: string): Lowering =>
  (b, { inputs: { images }, attributes, outputs: [y] }) =>
    b.op(op, [images, b.integers(attributes.size as number[])], y, {
      T: type(images),
      align_corners: flag(attributes.alignCorners),
      half_pixel_centers: flag(attributes.halfPixelCenters),
    });

/** The gradients of tfjs do not know halfPixelCenters. */
const bilinearGradient: Lowering = (b, { inputs: { images, dy }, attributes, outputs: [y] }) => {
  const source = b.cast(images, 'float32');
  return b.op('ResizeBilinearGrad', [dy, source], y, { T: type(source), align_corners: flag(attributes.alignCorners) });
};

const nearestGradient: Lowering = (b, { inputs: { images, dy }, attributes, outputs: [y] }) =>
  b.op('ResizeNearestNeighborGrad', [dy, b.integers(images.shape.slice(1, 3))], y, {
    T: type(dy),
    align_corners: flag(attributes.alignCorners),
  });

const cropAndResize: Lowering = (b, { inputs: { image, boxes, boxInd }, attributes, outputs: [y] }) =>
  b.op('CropAndResize', [image, boxes, b.cast(boxInd, 'int32'), b.integers(attributes.cropSize as number[])], y, {
    T: type(image),
    method: { s: attributes.method as string },
    extrapolation_value: { f: (attributes.extrapolationValue as number | undefined) ?? 0 },
  });

const transform: Lowering = (b, { inputs: { image, transforms }, attributes, outputs: [y] }) => {
  const { interpolation, fillMode, fillValue } = attributes as { interpolation: string; fillMode: string; fillValue: number };
  return b.op(
    'ImageProjectiveTransformV3',
    [b.cast(image, 'float32'), transforms, b.integers(y.shape.slice(1, 3)), b.scalar(fillValue)],
    y,
    { dtype: type('float32'), interpolation: { s: interpolation.toUpperCase() }, fill_mode: { s: fillMode.toUpperCase() } },
  );
};

/** Row of filling values, one per channel; a fourth channel is opacity and becomes opaque. */
function filling(channels: number, fillValue: number | readonly number[]): number[] {
  return iota(channels).map((channel) => (typeof fillValue === 'number' ? fillValue : channel === 3 ? 255 : fillValue[channel]));
}

/** The angle is known: every pixel of the output is a pixel of the input, or the filling. */
const rotate: Lowering = (b, { inputs: { image }, attributes, outputs: [y] }) => {
  const { radians, fillValue, center } = attributes as { radians: number; fillValue: number | number[]; center: number | [number, number] };
  const [batch, height, width, channels] = image.shape;
  if (image.type === 'bool') throw new EngineError('RotateWithOffset takes float32 and int32 images; this one is bool. Cast it.');
  const [centerX, centerY] = backend_util.getImageCenter(center, height, width);
  const [sine, cosine] = [Math.sin(radians), Math.cos(radians)];
  const sources = iota(height * width).map((i) => {
    const [dx, dy] = [(i % width) - centerX, Math.floor(i / width) - centerY];
    const x = Math.round(dx * cosine - dy * sine + centerX);
    const row = Math.round(dx * sine + dy * cosine + centerY);
    return x >= 0 && x < width && row >= 0 && row < height ? row * width + x : height * width;
  });
  const fill = filling(channels, fillValue);
  const values = iota(batch).flatMap(() => fill);
  const last = b.constant(image.type === 'int32' ? Int32Array.from(values) : Float32Array.from(values), [batch, 1, channels], image.type);
  const pixels: Tensor = concat(b, [b.reshape(image, [batch, height * width, channels]), last], 1);
  return b.reshape(gatherPixels(b, pixels, sources), y.shape);
};

const gatherPixels = (b: Builder, pixels: Tensor, positions: readonly number[]): Tensor =>
  b.op('GatherV2', [pixels, b.integers(positions), b.scalar(1, 'int32')], { shape: [pixels.shape[0], positions.length, pixels.shape[2]], type: pixels.type }, {
    Tparams: type(pixels),
    Tindices: type('int32'),
    Taxis: type('int32'),
  });

export const image: LoweringTable = {
  CropAndResize: cropAndResize,
  FlipLeftRight: (b, call) => reverse(b, call.inputs.image, [2]),
  ResizeBilinear: resize('ResizeBilinear'),
  ResizeBilinearGrad: bilinearGradient,
  ResizeNearestNeighbor: resize('ResizeNearestNeighbor'),
  ResizeNearestNeighborGrad: nearestGradient,
  RotateWithOffset: rotate,
  Transform: transform,
};
