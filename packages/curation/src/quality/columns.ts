import type { RgbImage } from '@dinov2/data';
import { luma } from '../hashes/luma';
import { qualityScore } from './score';

/** What can be measured on the pixels of a picture without knowing what it shows. */
export interface QualityColumns {
  /** Pixels of the whole picture. */
  readonly width: number;
  readonly height: number;
  /** Width over height. */
  readonly aspect: number;
  /** Width times height, in millions. */
  readonly megapixels: number;
  /** Variance of the Laplacian of luma (0 … 255): low for blurred pictures and for flat ones. */
  readonly sharpness: number;
  /**
   * `sharpness` over what it is, on average, for white noise of the same contrast (20 times the variance): 1 for noise, well
   * below for pictures of things, up to 3.2 for a chequerboard of single pixels.
   */
  readonly noise: number;
  /** Mean luma, 0 … 1. */
  readonly brightness: number;
  /** Luma that 5 % of the pixels do not exceed, 0 … 1: high for a picture that is bright all over. */
  readonly brightness05: number;
  /** Luma that 99 % of the pixels do not exceed, 0 … 1: low for a picture that is dark all over. */
  readonly brightness99: number;
  /** Standard deviation of luma, 0 … 0.5. */
  readonly contrast: number;
  /** Largest share of pixels within 16 neighbouring levels of luma, of 256; 1 for a picture of one shade. */
  readonly uniformity: number;
  /** Shannon entropy of the levels of luma, 0 … 8 bits. */
  readonly entropy: number;
  /** Mean saturation of HSV, 0 … 1. */
  readonly saturation: number;
  /** Of Hasler and Süsstrunk (2003), §7: 0 for gray, 33 moderately, 109 extremely colourful. */
  readonly colourfulness: number;
  /** {@link qualityScore} of the other columns, 0 … 1. */
  readonly quality: number;
}

/** Names of the columns, in order. */
export const qualityColumnNames = [
  'width',
  'height',
  'aspect',
  'megapixels',
  'sharpness',
  'noise',
  'brightness',
  'brightness05',
  'brightness99',
  'contrast',
  'uniformity',
  'entropy',
  'saturation',
  'colourfulness',
  'quality',
] as const satisfies readonly (keyof QualityColumns)[];

/** The shorter side that pictures are reduced towards. */
const measuredSide = 256;

/**
 * Measure a picture.
 *
 * All but its size is measured on the picture reduced by a whole factor to a shorter side of 256 to 511 pixels (the mean
 * of each block; pixels beyond the last whole block are left out), so that columns of pictures of different sizes
 * compare, at about the detail that a backbone sees. Smaller pictures are measured as they are.
 */
export function qualityColumns(image: RgbImage): QualityColumns {
  const { width, height } = image;
  const reduced = reduce(image, Math.max(1, Math.floor(Math.min(width, height) / measuredSide)));
  const gray = grayOf(reduced);
  const size = { width, height, aspect: width / height, megapixels: (width * height) / 1e6 };
  const sharpness = laplacianVariance(gray, reduced.width, reduced.height);
  const light = levels(gray);
  const noise = light.contrast === 0 ? 0 : sharpness / (20 * (255 * light.contrast) ** 2);
  const columns = { ...size, sharpness, noise, ...light, ...colours(reduced) };
  return { ...columns, quality: qualityScore(columns) };
}

function grayOf({ data, width, height }: RgbImage): Uint8Array {
  const gray = new Uint8Array(width * height);
  for (let i = 0; i < gray.length; i++) gray[i] = luma(data[3 * i]!, data[3 * i + 1]!, data[3 * i + 2]!);
  return gray;
}

/** The picture smaller by a whole factor, each pixel the rounded mean of a block. */
function reduce(image: RgbImage, factor: number): RgbImage {
  if (factor === 1) return image;
  const { data } = image;
  const width = Math.floor(image.width / factor);
  const height = Math.floor(image.height / factor);
  const sums = new Uint32Array(width * 3);
  const reduced = new Uint8Array(width * height * 3);
  const pixels = factor * factor;
  for (let y = 0; y < height; y++) {
    sums.fill(0);
    for (let row = y * factor; row < (y + 1) * factor; row++) {
      let from = row * image.width * 3;
      for (let x = 0; x < sums.length; x += 3) {
        for (let column = 0; column < factor; column++, from += 3) {
          sums[x]! += data[from]!;
          sums[x + 1]! += data[from + 1]!;
          sums[x + 2]! += data[from + 2]!;
        }
      }
    }
    for (let x = 0; x < sums.length; x++) reduced[y * sums.length + x] = Math.round(sums[x]! / pixels);
  }
  return { data: reduced, width, height };
}

/** Variance of the four-neighbour Laplacian over the pixels that have four neighbours. */
function laplacianVariance(gray: Uint8Array, width: number, height: number): number {
  let sum = 0;
  let squares = 0;
  for (let y = 1; y < height - 1; y++) {
    for (let i = y * width + 1; i < (y + 1) * width - 1; i++) {
      const value = gray[i - 1]! + gray[i + 1]! + gray[i - width]! + gray[i + width]! - 4 * gray[i]!;
      sum += value;
      squares += value * value;
    }
  }
  const count = Math.max(0, width - 2) * Math.max(0, height - 2);
  return count === 0 ? 0 : squares / count - (sum / count) ** 2;
}

const window = 16;

function levels(gray: Uint8Array) {
  const count = gray.length;
  const histogram = new Uint32Array(256);
  for (let i = 0; i < count; i++) histogram[gray[i]!]!++;
  let sum = 0;
  let squares = 0;
  let entropy = 0;
  let within = 0;
  let most = 0;
  histogram.forEach((pixels, level) => {
    sum += pixels * level;
    squares += pixels * level * level;
    if (pixels > 0) entropy -= (pixels / count) * Math.log2(pixels / count);
    within += pixels - (histogram[level - window] ?? 0);
    most = Math.max(most, within);
  });
  const mean = sum / count;
  return {
    brightness: mean / 255,
    brightness05: percentile(histogram, 0.05 * count) / 255,
    brightness99: percentile(histogram, 0.99 * count) / 255,
    contrast: Math.sqrt(Math.max(0, squares / count - mean * mean)) / 255,
    uniformity: most / count,
    entropy,
  };
}

/** The lowest level that has at least `pixels` pixels at or below it. */
function percentile(histogram: Uint32Array, pixels: number): number {
  let below = 0;
  return histogram.findIndex((here) => (below += here) >= pixels);
}

function colours({ data, width, height }: RgbImage) {
  const count = width * height;
  let saturation = 0;
  let redGreen = 0;
  let redGreenSquares = 0;
  let yellowBlue = 0;
  let yellowBlueSquares = 0;
  for (let i = 0; i < data.length; i += 3) {
    const red = data[i]!;
    const green = data[i + 1]!;
    const blue = data[i + 2]!;
    const highest = Math.max(red, green, blue);
    if (highest > 0) saturation += 1 - Math.min(red, green, blue) / highest;
    const rg = red - green;
    const yb = (red + green) / 2 - blue;
    redGreen += rg;
    redGreenSquares += rg * rg;
    yellowBlue += yb;
    yellowBlueSquares += yb * yb;
  }
  const rg = redGreen / count;
  const yb = yellowBlue / count;
  const variance = (redGreenSquares + yellowBlueSquares) / count - rg * rg - yb * yb;
  return {
    saturation: saturation / count,
    colourfulness: Math.sqrt(Math.max(0, variance)) + 0.3 * Math.hypot(rg, yb),
  };
}
