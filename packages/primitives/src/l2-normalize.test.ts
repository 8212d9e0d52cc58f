import * as tf from '@tensorflow/tfjs-core';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { expectFormula, expectGolden, length } from './goldens.testing';
import { l2Normalize } from './l2-normalize';

describe('l2Normalize', () => {
  it('equals PyTorch', async () => {
    await expectGolden('l2Normalize', ([x]) => l2Normalize(x));
    await expectGolden('l2Normalize below epsilon', ([x]) => l2Normalize(x, 1));
  });

  it('equals its formula on any shape', () =>
    expectFormula(
      fc.tuple(length(4), length(5)),
      ([rows, width]) => ({
        inputs: [[rows, width]],
        output: [rows, width],
        operation: (x) => l2Normalize(x),
        formula: (x) =>
          x.map((value, index) => {
            const start = index - (index % width);
            return value / Math.hypot(...x.slice(start, start + width));
          }),
      }),
      // Rows keep away from the pole at 0. The gradient's two terms reach dy / ‖x‖ = 8 and may cancel:
      // a float32 rounding of each is 1e-6.
      { smallest: 0.25, atol: 3e-6 },
    ));

  it('keeps a zero row zero, and its gradient finite', async () => {
    await tf.setBackend('cpu');
    const normalize = (x: tf.Tensor): tf.Tensor => l2Normalize(x, 0.5);
    const { value, grad } = tf.valueAndGrad(normalize)(tf.zeros([1, 2]), tf.ones([1, 2]));
    expect(Array.from(value.dataSync())).toEqual([0, 0]);
    expect(Array.from(grad.dataSync())).toEqual([2, 2]);
  });
});
