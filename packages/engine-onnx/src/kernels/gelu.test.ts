import { describe, expect, it } from 'vitest';
import { checkPrimitive, float32, nodeOf, normal, runKernel } from './check';

// The error function of the tfjs CPU backend is itself accurate to 1.5e-7.
const tolerance = { rtol: 1e-5, atol: 1e-6 };

describe('Gelu', () => {
  it.each([1, 2, 3, 4, 5, 8, 13, 1021])('agrees with the fallback on %i values', async (count) => {
    await checkPrimitive('Gelu', { x: normal([count], 3) }, {}, tolerance);
  });

  it('has the limits of x and 0', () => {
    const x = float32([-1e20, -40, -0, 0, 40, 1e20, Infinity, NaN]);
    const [y] = runKernel(nodeOf('Gelu', { x }, {}, [{ shape: [8], dtype: 'float32' }]), { x });
    expect([...y]).toEqual([-0, -0, -0, 0, 40, Math.fround(1e20), Infinity, NaN]);
  });
});

describe('GeluGrad', () => {
  it.each([1, 2, 3, 4, 5, 8, 13, 1021])('agrees with the fallback on %i values', async (count) => {
    await checkPrimitive('GeluGrad', { x: normal([count], 3), dy: normal([count]) }, {}, tolerance);
  });

  it('is 0 far below and dy far above', () => {
    const x = float32([-1e18, -40, 40, 1e18, NaN]);
    const dy = float32([3, 3, 3, 3, 3]);
    const node = nodeOf('GeluGrad', { x, dy }, {}, [{ shape: [5], dtype: 'float32' }]);
    const [dx] = runKernel(node, { x, dy });
    expect([...dx].map((v) => v + 0)).toEqual([0, 0, 3, 3, NaN]);
  });
});
