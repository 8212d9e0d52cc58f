/** Largest difference accepted at index i: `atol + rtol * |expected[i]|`. */
export interface Tolerance {
  rtol?: number;
  atol?: number;
}

/**
 * Throws unless both arrays have one length and agree elementwise within the tolerance.
 * The message names the index that exceeds its tolerance most, with both values. NaN equals only NaN,
 * an infinity only itself.
 */
export function expectAllclose(
  actual: ArrayLike<number>,
  expected: ArrayLike<number>,
  { rtol = 1e-5, atol = 1e-8 }: Tolerance = {},
): void {
  if (actual.length !== expected.length) {
    throw new Error(`Expected ${expected.length} values, got ${actual.length}.`);
  }
  let worst = -1;
  let worstRatio = 1;
  let failures = 0;
  for (let i = 0; i < actual.length; i++) {
    const a = actual[i]!;
    const e = expected[i]!;
    if (Object.is(a, e) || a === e) continue;
    const allowed = atol + rtol * Math.abs(e);
    const difference = Math.abs(a - e);
    const ratio = Number.isFinite(a) && Number.isFinite(e) ? difference / allowed : Infinity;
    if (ratio <= 1) continue;
    failures++;
    if (worst < 0 || ratio > worstRatio) {
      worst = i;
      worstRatio = ratio;
    }
  }
  if (worst >= 0) {
    const a = actual[worst]!;
    const e = expected[worst]!;
    throw new Error(
      `${failures} of ${actual.length} values differ; the worst is at index ${worst}: ` +
        `got ${a}, expected ${e}, |difference| ${Math.abs(a - e).toExponential(3)} ` +
        `exceeds atol ${atol} + rtol ${rtol} * |expected|.`,
    );
  }
}
