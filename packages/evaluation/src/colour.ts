/** Value below which `share` of the values lie. */
export function quantile(values: ArrayLike<number>, share: number): number {
  const sorted = Float64Array.from(values).sort();
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? 0;
}

/**
 * Scores (N, 3) along three principal components as 8-bit RGB: each component fills its channel
 * from its 2 % to its 98 % quantile.
 */
export function colourScores(scores: Float32Array): Uint8Array {
  const rgb = new Uint8Array(scores.length);
  for (let channel = 0; channel < 3; channel++) {
    const values = scores.filter((_, i) => i % 3 === channel);
    const low = quantile(values, 0.02);
    const span = Math.max(quantile(values, 0.98) - low, 1e-12);
    values.forEach((value, i) => {
      rgb[i * 3 + channel] = Math.round(255 * Math.min(1, Math.max(0, (value - low) / span)));
    });
  }
  return rgb;
}

// Matplotlib's "magma" at nine equal steps (van der Walt and Smith, CC0): even in lightness.
const magma = [
  [0, 0, 4], [28, 16, 68], [79, 18, 123], [129, 37, 129], [181, 54, 122],
  [229, 80, 100], [251, 135, 97], [254, 194, 135], [252, 253, 191],
] as const;

/** Values (N,) as 8-bit RGB from dark to light; the brightest 1 % share the last colour. */
export function heat(values: Float32Array): Uint8Array {
  const low = quantile(values, 0);
  const span = Math.max(quantile(values, 0.99) - low, 1e-12);
  const rgb = new Uint8Array(values.length * 3);
  values.forEach((value, i) => {
    const at = Math.min(1, Math.max(0, (value - low) / span)) * (magma.length - 1);
    const step = Math.min(magma.length - 2, Math.floor(at));
    for (let c = 0; c < 3; c++) {
      const [from, to] = [magma[step]![c]!, magma[step + 1]![c]!];
      rgb[i * 3 + c] = Math.round(from + (to - from) * (at - step));
    }
  });
  return rgb;
}
