/** Patch tokens of one image, ready to be compared. */
export interface PatchTokens {
  /** (N, D) quantised. */
  readonly values: Int8Array;
  /** (N,) */
  readonly scales: Float32Array;
  /** (N,) */
  readonly inverseLengths: Float32Array;
}

/** Cosine similarity of one patch of an image to every patch of another, (N,). */
export function similarities(query: PatchTokens, patch: number, { values, inverseLengths }: PatchTokens): Float32Array {
  const dimension = query.values.length / query.scales.length;
  const chosen = query.values.subarray(patch * dimension, (patch + 1) * dimension);
  const scale = query.inverseLengths[patch]!;
  const result = new Float32Array(inverseLengths.length);
  const whole = dimension - (dimension % 4);
  for (let other = 0, at = 0; other < result.length; other++, at += dimension) {
    // Four sums, so that one addition need not wait for another; all fit 32 bits.
    let [a, b, c, d] = [0, 0, 0, 0];
    let i = 0;
    for (; i < whole; i += 4) {
      a = (a + values[at + i]! * chosen[i]!) | 0;
      b = (b + values[at + i + 1]! * chosen[i + 1]!) | 0;
      c = (c + values[at + i + 2]! * chosen[i + 2]!) | 0;
      d = (d + values[at + i + 3]! * chosen[i + 3]!) | 0;
    }
    for (; i < dimension; i++) a = (a + values[at + i]! * chosen[i]!) | 0;
    result[other] = (a + b + c + d) * inverseLengths[other]! * scale;
  }
  return result;
}
