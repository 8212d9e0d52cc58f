import * as tf from '@tensorflow/tfjs-core';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { expectFormula, expectGolden, length } from './goldens.testing';
import { swiglu } from './swiglu';

describe('swiglu', () => {
  it('equals PyTorch', () => expectGolden('swiglu', ([x]) => swiglu(x)));

  it('equals its formula on any shape', () =>
    expectFormula(fc.tuple(length(3), length(3), length(4)), ([batch, rows, half]) => ({
      inputs: [[batch, rows, 2 * half]],
      output: [batch, rows, half],
      operation: swiglu,
      formula: (x) =>
        Array.from({ length: batch * rows * half }, (_, index) => {
          const at = Math.floor(index / half) * 2 * half + (index % half);
          return (x[at] / (1 + Math.exp(-x[at]))) * x[at + half];
        }),
    })));

  it('refuses an odd width', () => {
    expect(() => swiglu(tf.zeros([2, 5]))).toThrow("SwiGLU: last axis of 'x' is 5");
  });
});
