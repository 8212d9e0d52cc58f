import { describe, it } from 'vitest';
import { checkPrimitive, float32, normal } from './check';

const shapes = [[1, 1], [3, 2], [2, 3], [4, 4], [5, 7], [9, 34]] as const;
const tolerance = { rtol: 5e-6, atol: 1e-6 };

describe('SwiGLU', () => {
  it.each(shapes)('agrees with the fallback on (%i, 2 · %i)', async (rows, half) => {
    await checkPrimitive('SwiGLU', { x: normal([rows, 2 * half], 4) }, {}, tolerance);
  });

  it('agrees with the fallback where the sigmoid saturates', async () => {
    await checkPrimitive('SwiGLU', { x: float32([-200, -1e4, 200, 1e4, 1, 2, 3, 4], [1, 8]) }, {}, tolerance);
  });
});

describe('SwiGLUGrad', () => {
  it.each(shapes)('agrees with the fallback on (%i, 2 · %i)', async (rows, half) => {
    await checkPrimitive('SwiGLUGrad', { x: normal([rows, 2 * half], 4), dy: normal([rows, half]) }, {}, tolerance);
  });
});
