import fc from 'fast-check';
import { describe, it } from 'vitest';
import { gelu } from './gelu';
import { expectFormula, expectGolden, length } from './goldens.testing';

/** erf by its Maclaurin series, exact to 1e-13 for |x| < 2. */
function erf(x: number): number {
  let term = x;
  let sum = x;
  for (let n = 1; n < 60; n++) {
    term *= (-x * x) / n;
    sum += term / (2 * n + 1);
  }
  return (2 / Math.sqrt(Math.PI)) * sum;
}

describe('gelu', () => {
  // tfjs's erf (Abramowitz & Stegun 7.1.26) is good to 1.5e-7 absolute, so x Φ(x) to 1e-7 |x|.
  const tolerance = { atol: 1e-6 };

  it('equals PyTorch', () => expectGolden('gelu', ([x]) => gelu(x), tolerance));

  it('equals its formula on any shape', () =>
    expectFormula(
      fc.array(length(3), { maxLength: 4 }),
      (shape) => ({
        inputs: [shape],
        output: shape,
        operation: gelu,
        formula: (x) => x.map((value) => (value / 2) * (1 + erf(value / Math.SQRT2))),
      }),
      tolerance,
    ));
});
