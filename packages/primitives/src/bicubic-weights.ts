/** Cubic convolution kernel of Keys (1981) with parameter a. */
function cubic(x: number, a: number): number {
  const d = Math.abs(x);
  if (d <= 1) return ((a + 2) * d - (a + 3)) * d * d + 1;
  if (d < 2) return ((a * d - 5 * a) * d + 8 * a) * d - 4 * a;
  return 0;
}

/** Four taps around each source position, a = −0.75; taps outside are moved to the edge. */
function interpolationRow(i: number, length: number, ratio: number): Float64Array {
  const row = new Float64Array(length);
  const source = ratio * (i + 0.5) - 0.5;
  const first = Math.floor(source);
  for (let tap = first - 1; tap <= first + 2; tap++) {
    row[Math.min(Math.max(tap, 0), length - 1)] += cubic(source - tap, -0.75);
  }
  return row;
}

/** Kernel widened by the ratio when shrinking, a = −0.5; taps outside are dropped, the rest renormalised. */
function antialiasedRow(i: number, length: number, ratio: number): Float64Array {
  const row = new Float64Array(length);
  const width = Math.max(ratio, 1);
  const center = ratio * (i + 0.5);
  const low = Math.max(Math.trunc(center - 2 * width + 0.5), 0);
  const high = Math.min(Math.trunc(center + 2 * width + 0.5), length);
  let sum = 0;
  for (let j = low; j < high; j++) sum += row[j] = cubic((j - center + 0.5) / width, -0.5);
  return row.map((weight) => weight / sum);
}

const cache = new Map<string, Float32Array>();

/**
 * Matrix (outputLength, inputLength), row-major, that resamples one axis as PyTorch's bicubic
 * `interpolate(align_corners=False)` does.
 *
 * @param ratio - input pixels per output pixel; need not be inputLength / outputLength
 */
export function bicubicWeights(
  inputLength: number,
  outputLength: number,
  ratio: number,
  antialias: boolean,
): Float32Array {
  const key = `${inputLength} ${outputLength} ${ratio} ${antialias}`;
  let matrix = cache.get(key);
  if (matrix === undefined) {
    matrix = new Float32Array(outputLength * inputLength);
    const row = antialias ? antialiasedRow : interpolationRow;
    for (let i = 0; i < outputLength; i++) matrix.set(row(i, inputLength, ratio), i * inputLength);
    cache.set(key, matrix);
  }
  return matrix;
}
