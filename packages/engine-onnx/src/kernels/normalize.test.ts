import { describe, expect, it } from 'vitest';
import { checkPrimitive, float32, nodeOf, normal, runKernel } from './check';

const shapes = [[1, 1], [3, 2], [2, 5], [4, 8], [5, 12], [7, 259]] as const;
const tolerance = { rtol: 1e-5, atol: 1e-6 };

describe('WeightNorm', () => {
  it.each(shapes)('agrees with the fallback on (%i, %i)', async (rows, columns) => {
    const v = normal([rows, columns]);
    const g = normal([rows, 1]);
    await checkPrimitive('WeightNorm', { v, g }, {}, tolerance);
    await checkPrimitive('WeightNormGrad', { v, g, dw: normal([rows, columns]) }, {}, tolerance);
  });

  it('gives NaN for a row of zeros and leaves the next row alone', () => {
    const inputs = { v: float32([0, 0, 3, 4], [2, 2]), g: float32([1, 10], [2, 1]) };
    const [w] = runKernel(nodeOf('WeightNorm', inputs, {}, [{ shape: [2, 2], dtype: 'float32' }]), inputs);
    expect([...w]).toEqual([NaN, NaN, 6, 8]);
  });
});

describe('L2Normalize', () => {
  it.each(shapes)('agrees with the fallback on (%i, %i)', async (rows, columns) => {
    const x = normal([rows, columns]);
    await checkPrimitive('L2Normalize', { x }, { epsilon: 1e-12 }, tolerance);
    await checkPrimitive('L2NormalizeGrad', { x, dy: normal([rows, columns]) }, { epsilon: 1e-12 }, tolerance);
  });

  it('divides by epsilon where the norm is smaller', async () => {
    const x = float32([0, 0, 0, 1e-3, 0, 0, 3, 4, 0], [3, 3]);
    await checkPrimitive('L2Normalize', { x }, { epsilon: 0.01 }, tolerance);
    await checkPrimitive('L2NormalizeGrad', { x, dy: normal([3, 3]) }, { epsilon: 0.01 }, tolerance);
  });
});
