import { describe, expect, it } from 'vitest';
import { checkPrimitive, float32, nodeOf, normal, runKernel } from './check';

/** Standard normal distribution function in float64: a Taylor series inside, a continued fraction outside. */
function normalCdf(x: number): number {
  if (Math.abs(x) < 4) {
    let term = x;
    let sum = x;
    for (let n = 1; n < 100; n++) {
      term *= (x * x) / (2 * n + 1);
      sum += term;
    }
    return 0.5 + (sum * Math.exp((-x * x) / 2)) / Math.sqrt(2 * Math.PI);
  }
  let fraction = 0;
  for (let n = 60; n >= 1; n--) fraction = n / (Math.abs(x) + fraction);
  const tail = Math.exp((-x * x) / 2) / Math.sqrt(2 * Math.PI) / (Math.abs(x) + fraction);
  return x < 0 ? tail : 1 - tail;
}

const geluGrad = (x: readonly number[] | Float32Array, dy: number): Float32Array => {
  const inputs = { x: float32([...x]), dy: float32([...x].map(() => dy)) };
  return runKernel(nodeOf('GeluGrad', inputs, {}, [{ shape: [x.length], dtype: 'float32' }]), inputs)[0];
};

describe('GeluGrad', () => {
  it.each([1, 2, 3, 4, 5, 8, 13, 1021])('agrees with the fallback on %i values', async (count) => {
    // The error function of the tfjs CPU backend is itself accurate to 1.5e-7.
    await checkPrimitive('GeluGrad', { x: normal([count], 3), dy: normal([count]) }, {}, { rtol: 1e-5, atol: 1e-6 });
  });

  it('is within 4e-7 of the float64 value', () => {
    const x = Float32Array.from({ length: 200_001 }, (_, i) => -10 + i / 10_000);
    const dx = geluGrad(x, 1);
    let worst = 0;
    x.forEach((v, i) => {
      const exact = normalCdf(v) + (v * Math.exp((-v * v) / 2)) / Math.sqrt(2 * Math.PI);
      worst = Math.max(worst, Math.abs(dx[i] - exact));
    });
    expect(worst).toBeLessThan(4e-7);
  });

  it('is exactly 0 far below, exactly dy far above, and passes NaN', () => {
    expect([...geluGrad([-Infinity, -1e30, -5.7, 0, 5.7, 1e30, Infinity, NaN], 3)]).toEqual([0, 0, 0, 1.5, 3, 3, 3, NaN]);
  });
});
