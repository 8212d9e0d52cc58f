import * as tf from '@tensorflow/tfjs-core';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { expectFormula, expectGolden, length } from './goldens.testing';
import { weightNorm } from './weight-norm';

describe('weightNorm', () => {
  it('equals PyTorch', () => expectGolden('weightNorm', ([v, g]) => weightNorm(v, g)));

  it('equals its formula on any shape', () =>
    expectFormula(
      fc.tuple(length(4), length(5)),
      ([rows, width]) => ({
        inputs: [
          [rows, width],
          [rows, 1],
        ],
        output: [rows, width],
        operation: weightNorm,
        formula: (v, g) =>
          v.map((value, index) => {
            const row = Math.floor(index / width);
            const norm = Math.hypot(...v.slice(row * width, (row + 1) * width));
            return (g[row] * value) / norm;
          }),
      }),
      // Rows keep away from the pole at 0. The gradient's two terms reach g · dw / ‖v‖ = 16 and may cancel:
      // a float32 rounding of each is 2e-6.
      { smallest: 0.25, atol: 5e-6 },
    ));

  it('wants one length per row', () => {
    expect(() => weightNorm(tf.zeros([4, 3]), tf.zeros([4, 2]))).toThrow(
      "WeightNorm: input 'g' has shape [4, 2]; expected [4, 1].",
    );
  });
});
