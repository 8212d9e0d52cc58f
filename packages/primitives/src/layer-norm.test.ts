import * as tf from '@tensorflow/tfjs-core';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { expectFormula, expectGolden, length } from './goldens.testing';
import { layerNorm } from './layer-norm';

describe('layerNorm', () => {
  it('equals PyTorch', () =>
    // The golden's x lies around 100, where float32 resolves 8e-6: x − mean is known to about 1e-5.
    expectGolden('layerNorm', ([x, gamma, beta]) => layerNorm(x, gamma, beta), { atol: 2e-5 }));

  it('equals its formula on any shape', () =>
    // A large epsilon, because 1/σ of a nearly constant row is too curved for central differences.
    expectFormula(fc.tuple(length(4), length(6)), ([rows, width]) => ({
      inputs: [[rows, width], [width], [width]],
      output: [rows, width],
      operation: (x, gamma, beta) => layerNorm(x, gamma, beta, 0.1),
      formula: (x, gamma, beta) =>
        x.map((value, index) => {
          const start = index - (index % width);
          const row = x.slice(start, start + width);
          const mean = row.reduce((a, b) => a + b) / width;
          const variance = row.reduce((sum, b) => sum + (b - mean) ** 2, 0) / width;
          const i = index % width;
          return ((value - mean) / Math.sqrt(variance + 0.1)) * gamma[i] + beta[i];
        }),
    })));

  it('keeps the variance of rows far from zero', async () => {
    await tf.setBackend('cpu');
    // Deviations −1, 0, 1 around 10 000: E[x²] − E[x]² would lose them in float32.
    const y = layerNorm(tf.tensor2d([[9999, 10000, 10001]]), tf.ones([3]), tf.zeros([3]));
    const [low, middle, high] = Array.from(y.dataSync());
    expect(middle).toBeCloseTo(0, 5);
    expect(high).toBeCloseTo(Math.sqrt(1.5), 5);
    expect(low).toBeCloseTo(-Math.sqrt(1.5), 5);
  });

  it('names the input that does not fit', () => {
    expect(() => layerNorm(tf.zeros([2, 3]), tf.zeros([4]), tf.zeros([3]))).toThrow(
      "LayerNorm: input 'gamma' has shape [4]; expected [D] with D = 3 as in 'x'.",
    );
  });
});
