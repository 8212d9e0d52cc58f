/** Antialiased filters: Keys' cubic convolution with a = −0.5, the triangle, and Lanczos' sinc of three lobes. */
export type FilterName = 'bicubic' | 'bilinear' | 'lanczos';

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
 *
 * @param round - applied to every intermediate number: `Math.fround` as PyTorch does for float tensors,
 * whose weights that moves by up to 1e-5.
 */
export function resampleFilter(
  name: FilterName,
  from: number,
  to: number,
  first = 0,
  length = to,
  round: (x: number) => number = (x) => x,
): ResampleFilter {
  const { reach, weigh } = kernels[name];
  const scale = round(from / to);
  const inverse = round(1 / Math.max(scale, 1));
  const stretch = Math.max(scale, 1);
  const support = reach * stretch;
  const taps = Math.ceil(support) * 2 + 1;
  const starts = new Int32Array(length);
  const counts = new Int32Array(length);
  const weights = new Float64Array(length * taps);
  for (let i = 0; i < length; i++) {
    const line = weights.subarray(i * taps, (i + 1) * taps);
    const center = round((first + i + 0.5) * scale);
    const start = Math.max(0, Math.trunc(center - support + 0.5));
    const end = Math.min(from, Math.trunc(center + support + 0.5));
    let sum = 0;
    for (let j = start; j < end; j++) {
      line[j - start] = round(weigh(round((round(j - center) + 0.5) * inverse)));
      sum = round(sum + line[j - start]);
    }
    for (let j = 0; j < end - start; j++) line[j] = round(line[j] / sum);
    starts[i] = start;
    counts[i] = end - start;
  }
  return { starts, counts, taps, weights };
}

/** Weights times 2^22, rounded: a byte times a weight stays below 2^31. */
export function fixedPoint(filter: ResampleFilter): ResampleFilter<Int32Array> {
  return { ...filter, weights: quantise(filter.weights, precision) };
}

/**
 * Weights in units of 2^−22 that hold what PyTorch's 16-bit ones do.
 *
 * @param largest - largest weight of the whole line; it decides how many bits the fractions have.
 */
export function shortFixedPoint(filter: ResampleFilter, largest: number): ResampleFilter<Int32Array> {
  let bits = 0;
  while (bits < precision && Math.trunc(0.5 + largest * 2 ** (bits + 1)) < 1 << 15) bits++;
  return { ...filter, weights: quantise(filter.weights, bits) };
}

/** Fraction bits of the weights of Pillow's 8-bit resampling. */
const precision = 22;

/** In units of 2^−22, rounded to `bits` bits of fraction, halves away from zero. */
function quantise(weights: Float64Array, bits: number): Int32Array {
  const unit = 1 << (precision - bits);
  const scale = 2 ** bits;
  const integers = new Int32Array(weights.length);
  for (let i = 0; i < weights.length; i++) {
    const weight = weights[i] * scale;
    integers[i] = Math.trunc(weight < 0 ? weight - 0.5 : weight + 0.5) * unit;
  }
  return integers;
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
  lanczos: { reach: 3, weigh: (x) => (Math.abs(x) < 3 ? sinc(x) * sinc(x / 3) : 0) },
};

function sinc(x: number): number {
  return x === 0 ? 1 : Math.sin(Math.PI * x) / (Math.PI * x);
}
