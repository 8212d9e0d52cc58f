import { describe, it } from 'vitest';
import { checkPrimitive, normal } from './check';

// Both sides round in float32: sums over D and over R values of magnitude 1.
const tolerance = { rtol: 1e-5, atol: 1e-5 };

const shapes = [[1, 1], [1, 4], [2, 3], [3, 7], [5, 33], [67, 48], [130, 22], [9, 385]] as const;

describe('LayerNorm', () => {
  it.each(shapes)('agrees with the fallback on (%i, %i)', async (rows, columns) => {
    const inputs = { x: normal([rows, columns]), gamma: normal([columns]), beta: normal([columns]) };
    await checkPrimitive('LayerNorm', inputs, { epsilon: 1e-6 }, tolerance);
  });
});

describe('LayerNormGrad', () => {
  it.each(shapes)('agrees with the fallback on (%i, %i)', async (rows, columns) => {
    const inputs = { x: normal([rows, columns]), gamma: normal([columns]), dy: normal([rows, columns]) };
    await checkPrimitive('LayerNormGrad', inputs, { epsilon: 1e-6 }, tolerance);
  });

  it('keeps its accuracy when the mean is large against the deviation', async () => {
    const x = normal([6, 96]);
    for (let i = 0; i < x.data.length; i++) x.data[i] += 1000;
    const inputs = { x, gamma: normal([96]), dy: normal([6, 96]) };
    // x itself is rounded to 6e-5 before either side sees it; the mean rounds as much again.
    await checkPrimitive('LayerNormGrad', inputs, { epsilon: 1e-6 }, { rtol: 1e-3, atol: 1e-3 });
  });
});
