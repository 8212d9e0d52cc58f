/** Fixed point of Pillow's 8-bit resampling: a byte times a weight stays below 2^31. */
const precision = 22;

/** Which inputs each output of a line is made of, and by which weights. */
export interface ResampleFilter {
  /** First input position of each output. */
  readonly starts: Int32Array;
  readonly counts: Int32Array;
  /** Room per output in `weights`. */
  readonly taps: number;
  /** 22-bit fixed point. */
  readonly weights: Int32Array;
}

/**
 * Antialiased bicubic filter of Pillow (libImaging/Resample.c) for the outputs `first` …
 * `first + length − 1` of a line of `from` pixels resized to `to`.
 */
export function resampleFilter(from: number, to: number, first: number, length: number): ResampleFilter {
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
