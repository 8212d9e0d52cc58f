import type { RgbImage } from './decode';

/** A rectangle inside an image, in whole pixels. */
interface Rectangle {
  readonly left: number;
  readonly top: number;
  readonly width: number;
  readonly height: number;
}

/** What to make of an image: a part of it, resized, and a window of the result. */
export interface ResampleTask {
  /** Cut out first; pixels outside it have no influence. */
  readonly crop: Rectangle;
  /** Size the cut-out is resized to. */
  readonly width: number;
  readonly height: number;
  /** Part of the resized picture to compute; all of it by default. */
  readonly window?: Rectangle;
  /** Mirror the result left to right. */
  readonly flip?: boolean;
}

// Fixed point of Pillow's 8-bit resampling (libImaging/Resample.c): products of a byte and a weight
// stay below 2^31.
const precision = 22;
const half = 1 << (precision - 1);

/**
 * Crop and resize with Pillow's antialiased bicubic filter, bit for bit: a = −0.5, widened by the
 * reduction, 22-bit fixed-point weights, horizontal pass first, each pass rounded to 8 bits.
 *
 * @param output - receives (height, width, 3) of the window, from `offset` on.
 */
export function resampleInto(image: RgbImage, task: ResampleTask, output: Uint8Array, offset = 0): void {
  const { crop, width, height, flip = false } = task;
  const window = task.window ?? { left: 0, top: 0, width, height };
  const across = filterOf(crop.width, width, window.left, window.width);
  const down = filterOf(crop.height, height, window.top, window.height);

  // Only the rows that the vertical pass reads.
  const firstRow = down.starts[0];
  const rows = down.starts[window.height - 1] + down.counts[window.height - 1] - firstRow;
  const stride = window.width * 3;
  const narrowed = scratch(rows * stride);
  const source = image.data;
  for (let row = 0; row < rows; row++) {
    const line = ((crop.top + firstRow + row) * image.width + crop.left) * 3;
    for (let x = 0; x < window.width; x++) {
      const count = across.counts[x];
      let weight = x * across.taps;
      let from = line + across.starts[x] * 3;
      let r = half;
      let g = half;
      let b = half;
      for (const end = weight + count; weight < end; weight++, from += 3) {
        const w = across.weights[weight];
        r = (r + Math.imul(source[from], w)) | 0;
        g = (g + Math.imul(source[from + 1], w)) | 0;
        b = (b + Math.imul(source[from + 2], w)) | 0;
      }
      const to = row * stride + (flip ? window.width - 1 - x : x) * 3;
      narrowed[to] = clip(r);
      narrowed[to + 1] = clip(g);
      narrowed[to + 2] = clip(b);
    }
  }

  for (let y = 0; y < window.height; y++) {
    const count = down.counts[y];
    const start = (down.starts[y] - firstRow) * stride;
    const to = offset + y * stride;
    for (let i = 0; i < stride; i++) {
      let sum = half;
      let from = start + i;
      let weight = y * down.taps;
      for (const end = weight + count; weight < end; weight++, from += stride) {
        sum = (sum + Math.imul(narrowed[from], down.weights[weight])) | 0;
      }
      output[to + i] = clip(sum);
    }
  }
}

function clip(sum: number): number {
  const value = sum >> precision;
  return value < 0 ? 0 : value > 255 ? 255 : value;
}

let reused = new Uint8Array(0);

/** Memory between the passes, kept from call to call. */
function scratch(size: number): Uint8Array {
  if (reused.length < size) reused = new Uint8Array(size);
  return reused;
}

interface Filter {
  /** First input position of each output. */
  readonly starts: Int32Array;
  readonly counts: Int32Array;
  /** Room per output in `weights`. */
  readonly taps: number;
  readonly weights: Int32Array;
}

/** Weights of the outputs `first` … `first + length − 1` of a line of `from` resized to `to`. */
function filterOf(from: number, to: number, first: number, length: number): Filter {
  const scale = from / to;
  const stretch = Math.max(scale, 1);
  const support = 2 * stretch;
  const taps = Math.ceil(support) * 2 + 1;
  const starts = new Int32Array(length);
  const counts = new Int32Array(length);
  const weights = new Int32Array(length * taps);
  const line = new Float64Array(taps);
  for (let i = 0; i < length; i++) {
    const center = (first + i + 0.5) * scale;
    const start = Math.max(0, Math.trunc(center - support + 0.5));
    const end = Math.min(from, Math.trunc(center + support + 0.5));
    let sum = 0;
    for (let j = start; j < end; j++) {
      sum += line[j - start] = cubic((j - center + 0.5) * (1 / stretch));
    }
    starts[i] = start;
    counts[i] = end - start;
    for (let j = 0; j < end - start; j++) {
      const weight = (line[j] / sum) * (1 << precision);
      weights[i * taps + j] = Math.trunc(weight < 0 ? weight - 0.5 : weight + 0.5);
    }
  }
  return { starts, counts, taps, weights };
}

/** Keys' cubic convolution kernel with a = −0.5. */
function cubic(x: number): number {
  const t = Math.abs(x);
  if (t < 1) return (1.5 * t - 2.5) * t * t + 1;
  if (t < 2) return ((-0.5 * t + 2.5) * t - 4) * t + 2;
  return 0;
}
