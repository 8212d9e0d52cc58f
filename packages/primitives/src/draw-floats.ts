import type { RandomState } from './random';

/** Normal with mean zero and this standard deviation, or uniform in [low, high). */
export type Distribution = { readonly normal: number } | { readonly uniform: readonly [low: number, high: number] };

/**
 * As many draws as asked for, from a place in a random sequence: the same values, rounded to float32, as those of
 * `deviation * random.normal()` or `random.uniform(low, high)` from there, at less than half the cost.
 *
 * It refers to nothing outside of itself, so that its text can be run in another thread.
 *
 * @param state - taken with {@link Random.state}.
 */
export function drawFloats(length: number, distribution: Distribution, state: RandomState): Float32Array {
  const isNormal = 'normal' in distribution;
  const deviation = isNormal ? distribution.normal : 1;
  const [low, high] = isNormal ? [0, 1] : distribution.uniform;
  const words = isNormal ? 4 : 2;
  // One loop over local variables: the calls of Random's closures cost more than logarithm and cosine together.
  let [, , s0, s1, s2, s3] = state;
  const values = new Float32Array(length);
  for (let i = 0; i < length; i++) {
    let before = 0;
    let unit = 0;
    for (let word = 0; word < words; word++) {
      const x = Math.imul(s1, 5);
      const bits = Math.imul((x << 7) | (x >>> 25), 9);
      const shifted = s1 << 9;
      s2 ^= s0;
      s3 ^= s1;
      s1 ^= s2;
      s0 ^= s3;
      s2 ^= shifted;
      s3 = (s3 << 11) | (s3 >>> 21);
      if (word % 2 === 0) {
        before = unit;
        unit = (bits >>> 5) * 2 ** 26;
      } else {
        unit = (unit + (bits >>> 6)) / 2 ** 53;
      }
    }
    values[i] = isNormal
      ? deviation * (Math.sqrt(-2 * Math.log(1 - before)) * Math.cos(2 * Math.PI * unit))
      : low + (high - low) * unit;
  }
  return values;
}
