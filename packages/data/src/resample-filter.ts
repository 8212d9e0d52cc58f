/** Antialiased filters: Keys' cubic convolution with a = −0.5, and the triangle. */
export type FilterName = 'bicubic' | 'bilinear';

/** Which inputs each output of a line is made of, and by which weights. */
export interface ResampleFilter<Weights = Float64Array> {
  /** First input position of each output. */
  readonly starts: Int32Array;
  readonly counts: Int32Array;
  /** Room per output in `weights`. */
  readonly taps: number;
  readonly weights: Weights;
}

/**
 * Filter for the outputs `first` … `first + length − 1` of a line of `from` pixels resized to `to`, as
 * Pillow (libImaging/Resample.c) and PyTorch's antialiased interpolation place and weigh it: widened
 * by the reduction, cut off at the ends of the line, weights of sum 1.
 */
export function resampleFilter(
  name: FilterName,
  from: number,
  to: number,
  first = 0,
  length = to,
): ResampleFilter {
  const { reach, weigh } = kernels[name];
  const scale = from / to;
  const stretch = Math.max(scale, 1);
  const support = reach * stretch;
  const taps = Math.ceil(support) * 2 + 1;
  const starts = new Int32Array(length);
  const counts = new Int32Array(length);
  const weights = new Float64Array(length * taps);
  for (let i = 0; i < length; i++) {
    const line = weights.subarray(i * taps, (i + 1) * taps);
    const center = (first + i + 0.5) * scale;
    const start = Math.max(0, Math.trunc(center - support + 0.5));
    const end = Math.min(from, Math.trunc(center + support + 0.5));
    let sum = 0;
    for (let j = start; j < end; j++) {
      sum += line[j - start] = weigh((j - center + 0.5) * (1 / stretch));
    }
    for (let j = 0; j < end - start; j++) line[j] /= sum;
    starts[i] = start;
    counts[i] = end - start;
  }
  return { starts, counts, taps, weights };
}

/** Weights times 2^22, rounded: a byte times a weight stays below 2^31. */
export function fixedPoint(filter: ResampleFilter): ResampleFilter<Int32Array> {
  return { ...filter, weights: Int32Array.from(filter.weights, (weight) => roundAway(weight * (1 << precision))) };
}

/**
 * Weights in units of 2^−22 that hold what PyTorch's 16-bit ones do.
 *
 * @param largest - largest weight of the whole line; it decides how many bits the fractions have.
 */
export function shortFixedPoint(filter: ResampleFilter, largest: number): ResampleFilter<Int32Array> {
  let bits = 0;
  while (bits < precision && Math.trunc(0.5 + largest * 2 ** (bits + 1)) < 1 << 15) bits++;
  const unit = 1 << (precision - bits);
  return { ...filter, weights: Int32Array.from(filter.weights, (weight) => roundAway(weight * 2 ** bits) * unit) };
}

/** Fraction bits of the weights of Pillow's 8-bit resampling. */
const precision = 22;

/** To the nearest whole number, halves away from zero. */
function roundAway(x: number): number {
  return Math.trunc(x < 0 ? x - 0.5 : x + 0.5);
}

const kernels: Record<FilterName, { reach: number; weigh: (x: number) => number }> = {
  bicubic: {
    reach: 2,
    weigh(x) {
      const t = Math.abs(x);
      if (t < 1) return (1.5 * t - 2.5) * t * t + 1;
      if (t < 2) return ((-0.5 * t + 2.5) * t - 4) * t + 2;
      return 0;
    },
  },
  bilinear: { reach: 1, weigh: (x) => Math.max(0, 1 - Math.abs(x)) },
};
