import * as tf from '@tensorflow/tfjs-core';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { expectFormula, expectGolden, length } from './goldens.testing';
import { linear } from './linear';

describe('linear', () => {
  it('equals PyTorch', async () => {
    await expectGolden('linear', ([x, weight, bias]) => linear(x, weight, bias));
    await expectGolden('linear without bias', ([x, weight]) => linear(x, weight));
  });

  it('equals its formula on any shape', () =>
    expectFormula(fc.tuple(length(4), length(4), length(4)), ([rows, from, to]) => ({
      inputs: [[rows, from], [to, from], [to]],
      output: [rows, to],
      operation: linear,
      formula: (x, weight, bias) =>
        Array.from({ length: rows * to }, (_, index) => {
          const row = Math.floor(index / to);
          const out = index % to;
          let sum = bias[out];
          for (let i = 0; i < from; i++) sum += x[row * from + i] * weight[out * from + i];
          return sum;
        }),
    })));

  it('names the input that does not fit', () => {
    expect(() => linear(tf.zeros([2, 3]), tf.zeros([5, 4]))).toThrow(
      "Linear: input 'weight' has shape [5, 4]; expected [out, in] with in = 3 as in 'x'.",
    );
    expect(() => linear(tf.zeros([2, 3]), tf.zeros([5, 3]), tf.zeros([5], 'int32'))).toThrow(
      "Linear: input 'bias' is int32; cast it to float32 first.",
    );
  });
});
