import type { Preprocessing, Rectangle } from '@dinov2/augment';
import { decodeImage, type DecodeOptions, type RgbImage } from './decode';
import { DataError } from './error';
import type { HostArray } from './loader';
import { resample } from './resample';
import { resampleFloat } from './resample-float';

/**
 * Make the input of a frozen backbone from one picture, as the programs of its model family do it.
 *
 * @param input - a decoded picture, or the path of a file.
 * @param preprocessing - one of `preprocessings` of `@dinov2/augment`, a model's own, or yours.
 * @returns (1, height, width, 3) float32.
 * @throws DataError when the file cannot be used or the crop is larger than the resized picture.
 */
export async function preprocess(
  input: RgbImage | string,
  preprocessing: Preprocessing,
  decode: DecodeOptions = {},
): Promise<HostArray> {
  const image = typeof input === 'string' ? await decodeImage(input, decode) : input;
  const { data, shape } = preprocessImage(image, preprocessing);
  return { data, shape: [1, ...shape] };
}

export interface PreprocessedImage {
  /** (height, width, 3), normalised. */
  readonly data: Float32Array<ArrayBuffer>;
  readonly shape: readonly [number, number, number];
}

/** The input of a backbone from a decoded picture. */
export function preprocessImage(image: RgbImage, preprocessing: Preprocessing): PreprocessedImage {
  const { resample: filter, resizer, mean, std } = preprocessing;
  const { width, height, window } = geometry(image, preprocessing);
  const whole = { left: 0, top: 0, width: image.width, height: image.height };
  const intensities =
    resizer === 'torch-float'
      ? resampleFloat(image, { width, height, window, filter })
      : resample(image, [{ crop: whole, width, height, window, filter, weights: resizer }]);

  const data = new Float32Array(intensities.length);
  for (let i = 0; i < data.length; i += 3) {
    for (let c = 0; c < 3; c++) data[i + c] = (intensities[i + c] / 255 - mean[c]) / std[c];
  }
  return { data, shape: [window.height, window.width, 3] };
}

/** Size to resize to, and the part of that which is kept. */
function geometry(
  image: { width: number; height: number },
  { resize, crop, cropRounding = 'even' }: Preprocessing,
): { width: number; height: number; window: Rectangle } {
  const { width, height } = 'shortestEdge' in resize ? scaled(image, resize.shortestEdge) : resize;
  if (crop === undefined) return { width, height, window: { left: 0, top: 0, width, height } };
  if (crop.width > width || crop.height > height) {
    throw new DataError(
      `a crop of ${crop.width} × ${crop.height} pixels does not fit a picture resized to ${width} × ${height}; pass crop <= resize`,
    );
  }
  const middle = cropRounding === 'even' ? halfToEven : halfDown;
  const left = middle(width - crop.width);
  const top = middle(height - crop.height);
  return { width, height, window: { left, top, width: crop.width, height: crop.height } };
}

/** A picture's size with its shorter side `edge` long; the longer side is rounded down. */
function scaled({ width, height }: { width: number; height: number }, edge: number) {
  const longer = Math.floor((edge * Math.max(width, height)) / Math.min(width, height));
  return width <= height ? { width: edge, height: longer } : { width: longer, height: edge };
}

/** Half of a margin, a half pixel to the even side as Python's `round` does. */
function halfToEven(margin: number): number {
  const half = halfDown(margin);
  return margin % 2 === 0 ? half : half + (half % 2);
}

function halfDown(margin: number): number {
  return Math.floor(margin / 2);
}
