import * as tf from '@tensorflow/tfjs-core';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { expectFormula, expectGolden, goldens, length } from './goldens.testing';
import { takeRows } from './take-rows';

describe('takeRows', () => {
  it('equals PyTorch', () =>
    expectGolden('takeRows', ([x]) =>
      tf.tidy(() => takeRows(x, tf.tensor1d(goldens.takeRows.options.rows, 'int32'))),
    ));

  it('equals its formula on any shape', () =>
    expectFormula(
      fc
        .tuple(length(6), length(3))
        .chain(([batch, width]) =>
          fc.tuple(
            fc.constant(batch),
            fc.constant(width),
            fc.shuffledSubarray([...Array(batch).keys()], { minLength: 1 }),
          ),
        ),
      ([batch, width, rows]) => ({
        inputs: [[batch, width]],
        output: [rows.length, width],
        operation: (x) => tf.tidy(() => takeRows(x, tf.tensor1d(rows, 'int32'))),
        formula: (x) => rows.flatMap((row) => x.slice(row * width, (row + 1) * width)),
      }),
    ));

  it('wants integer rows', () => {
    expect(() => takeRows(tf.zeros([3, 2]), tf.tensor1d([0]))).toThrow(
      "TakeRows: input 'rows' is float32; cast it to int32 first.",
    );
  });
});
