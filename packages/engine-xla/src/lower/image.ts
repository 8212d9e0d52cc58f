import { backend_util } from '@tensorflow/tfjs-core';
import type { Builder } from './builder';
import { takeAt } from './indexing';
import { alignAll, input, output, type Lowering, type LoweringTable } from './lowering';
import type { Tensor } from './tensor';

/** Pixels (…, C) of images (B, H, W, C) at integer places of one shape; places outside give some pixel. */
function pixels(b: Builder, images: Tensor, image: Tensor, row: Tensor, column: Tensor): Tensor {
  const places = alignAll(b, [image, row, column]);
  const { shape } = places[0]!;
  return takeAt(b, images, b.concat(places.map((place) => b.reshape(place, [...shape, 1])), shape.length));
}

const floor = (b: Builder, x: Tensor): Tensor => b.unary('stablehlo.floor', x);
/** Math.round: halves go up. */
const round = (b: Builder, x: Tensor): Tensor => floor(b, b.plus(x, 0.5));
const integer = (b: Builder, x: Tensor): Tensor => b.convert(x, 'i32');
/** As a factor of pixels. */
const channel = (b: Builder, x: Tensor): Tensor => b.reshape(x, [...x.shape, 1]);

const isInside = (b: Builder, x: Tensor, length: number): Tensor => b.and(b.compare('GE', x, 0), b.compare('LE', x, length - 1));

/** Crops (n, h, w, C) of boxes [y1, x1, y2, x2] in units of the image. */
const cropAndResize: Lowering = (b, call) => {
  const { image: images, boxes, boxInd } = call.inputs as Record<string, Tensor>;
  const [batch, height, width] = images!.shape as [number, number, number, number];
  const [count, cropHeight, cropWidth] = output(call).shape as [number, number, number, number];
  const fill = (call.attributes.extrapolationValue as number | undefined) ?? 0;
  /** Where the crop's rows or columns lie in the image: (n, size). */
  const positions = (low: number, length: number, size: number): Tensor => {
    const [from, to] = [b.sliceAxis(boxes!, 1, low, 1), b.sliceAxis(boxes!, 1, low + 2, 1)];
    if (size === 1) return b.times(b.add(from, to), 0.5 * (length - 1));
    const scale = b.divide(b.times(b.subtract(to, from), length - 1), b.scalar(size - 1, 'f32'));
    return b.add(b.times(from, length - 1), b.multiply(b.iota([1, size], 1, 'f32'), scale));
  };
  const y = b.reshape(positions(0, height, cropHeight), [count, cropHeight, 1]);
  const x = b.reshape(positions(1, width, cropWidth), [count, 1, cropWidth]);
  const of = b.reshape(boxInd!, [count, 1, 1]);
  const at = (row: Tensor, column: Tensor) => pixels(b, images!, of, integer(b, row), integer(b, column));
  const sampled = (): Tensor => {
    if (call.attributes.method === 'nearest') return at(round(b, y), round(b, x));
    const [top, left] = [floor(b, y), floor(b, x)];
    const [bottom, right] = [b.unary('stablehlo.ceil', y), b.unary('stablehlo.ceil', x)];
    const mix = (first: Tensor, second: Tensor, weight: Tensor) => b.add(first, b.multiply(b.subtract(second, first), channel(b, weight)));
    const across = b.subtract(x, left);
    return mix(mix(at(top, left), at(top, right), across), mix(at(bottom, left), at(bottom, right), across), b.subtract(y, top));
  };
  const inside = b.and(isInside(b, y, height), isInside(b, x, width));
  const crops = b.select(channel(b, inside), sampled(), b.scalar(fill, 'f32'));
  // A box of an image that is not there is left as zeros.
  return b.select(channel(b, b.compare('LT', of, batch)), crops, b.scalar(0, 'f32'));
};

/** The angle is known, so that every pixel's source is a constant. */
const rotateWithOffset: Lowering = (b, call) => {
  const image = input(call, 'image');
  const { radians, fillValue, center } = call.attributes as { radians: number; fillValue: number | number[]; center: number | [number, number] };
  const [batch, height, width, channels] = image.shape as [number, number, number, number];
  const [centerX, centerY] = backend_util.getImageCenter(center, height, width) as [number, number];
  const [sin, cos] = [Math.sin(radians), Math.cos(radians)];
  const sources = new Int32Array(height * width);
  const isThere = new Uint8Array(height * width);
  for (let row = 0; row < height; row++) {
    for (let column = 0; column < width; column++) {
      const x = Math.round((column - centerX) * cos - (row - centerY) * sin + centerX);
      const y = Math.round((column - centerX) * sin + (row - centerY) * cos + centerY);
      if (x < 0 || x >= width || y < 0 || y >= height) continue;
      sources[row * width + column] = y * width + x;
      isThere[row * width + column] = 1;
    }
  }
  const flat = b.transpose(b.reshape(image, [batch, height * width, channels]), [1, 0, 2]);
  const places = b.constant(sources, { shape: [height * width, 1], type: 'i32' });
  const taken = b.reshape(b.transpose(takeAt(b, flat, places), [1, 0, 2]), image.shape);
  const there = b.constant(isThere, { shape: [1, height, width, 1], type: 'i1' });
  // The fourth channel of a colour with three is opaque.
  const fill = Array.from({ length: channels }, (_, c) => (typeof fillValue === 'number' ? fillValue : c === 3 ? 255 : fillValue[c]!));
  return b.select(there, taken, b.convert(b.floats(fill, [channels]), image.type));
};

/** Coordinates outside of an axis brought inside, as `fillMode` says. */
function mapCoordinate(b: Builder, x: Tensor, length: number, mode: string): Tensor {
  const whole = (value: Tensor) => b.select(b.compare('LT', value, 0), b.unary('stablehlo.ceil', value), floor(b, value));
  const number = (value: number) => b.scalar(value, 'f32');
  const clamp = (value: Tensor) => b.minimum(b.maximum(value, number(0)), number(length - 1));
  const below = b.compare('LT', x, 0);
  const above = b.compare('GT', x, length - 1);
  const negated = b.unary('stablehlo.negate', x);
  switch (mode) {
    case 'reflect': {
      if (length <= 1) return b.splat(0, x);
      const period = 2 * length;
      const shifted = b.select(b.compare('LT', x, period), b.add(b.times(whole(b.divide(negated, number(period))), period), x), x);
      const low = b.select(b.compare('LT', shifted, -length), b.plus(shifted, period), b.plus(b.unary('stablehlo.negate', shifted), -1));
      const rest = b.subtract(x, b.times(whole(b.divide(x, number(period))), period));
      const high = b.select(b.compare('GE', rest, length), b.plus(b.unary('stablehlo.negate', rest), period - 1), rest);
      return clamp(b.select(below, low, b.select(above, high, x)));
    }
    case 'wrap': {
      if (length <= 1) return b.splat(0, x);
      const size = length - 1;
      const low = b.add(x, b.times(b.plus(whole(b.divide(negated, number(size))), 1), length));
      const high = b.subtract(x, b.times(whole(b.divide(x, number(size))), length));
      return clamp(b.select(below, low, b.select(above, high, x)));
    }
    case 'nearest':
      return clamp(x);
    default:
      return x;
  }
}

/** Projective transformation: eight numbers per image, or for all of them, map a place of the result to one of the image. */
const transform: Lowering = (b, call) => {
  const [images, transforms] = [b.convert(input(call, 'image'), 'f32'), input(call, 'transforms')];
  const [batch, height, width] = images.shape as [number, number, number, number];
  const [, outHeight, outWidth] = output(call).shape as [number, number, number, number];
  const { interpolation, fillMode, fillValue } = call.attributes as { interpolation: string; fillMode: string; fillValue: number };
  const shape = [batch, outHeight, outWidth];
  const coefficient = (i: number) => b.reshape(b.sliceAxis(transforms, 1, i, 1), [transforms.shape[0]!, 1, 1]);
  const [outY, outX] = [b.iota(shape, 1, 'f32'), b.iota(shape, 2, 'f32')];
  const linear = (i: number) => b.add(b.multiply(outX, coefficient(i)), b.multiply(outY, coefficient(i + 1)));
  const projection = b.plus(linear(6), 1);
  const x = mapCoordinate(b, b.divide(b.add(linear(0), coefficient(2)), projection), width, fillMode);
  const y = mapCoordinate(b, b.divide(b.add(linear(3), coefficient(5)), projection), height, fillMode);
  const image = b.iota(shape, 0);
  const fill = b.scalar(fillValue, 'f32');
  const at = (row: Tensor, column: Tensor) =>
    b.select(channel(b, b.and(isInside(b, row, height), isInside(b, column, width))), pixels(b, images, image, integer(b, row), integer(b, column)), fill);
  const sampled = (): Tensor => {
    if (interpolation === 'nearest') return at(round(b, y), round(b, x));
    const [top, left] = [floor(b, y), floor(b, x)];
    const [bottom, right] = [b.plus(top, 1), b.plus(left, 1)];
    const [down, across] = [channel(b, b.subtract(y, top)), channel(b, b.subtract(x, left))];
    const rest = (weight: Tensor) => b.subtract(b.scalar(1, 'f32'), weight);
    const mix = (first: Tensor, second: Tensor, weight: Tensor) => b.add(b.multiply(rest(weight), first), b.multiply(weight, second));
    return mix(mix(at(top, left), at(top, right), across), mix(at(bottom, left), at(bottom, right), across), down);
  };
  // Where the projection is 0 the place is at infinity.
  return b.select(channel(b, b.compare('EQ', projection, 0)), fill, sampled());
};

export const image: LoweringTable = {
  CropAndResize: cropAndResize,
  FlipLeftRight: (b, call) => b.reverse(input(call, 'image'), [2]),
  RotateWithOffset: rotateWithOffset,
  Transform: transform,
};
