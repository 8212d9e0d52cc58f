import * as tf from '@tensorflow/tfjs-core';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { addScaledRows } from './add-scaled-rows';
import { backends, expectFormula, expectGolden, goldens, length } from './goldens.testing';

describe('addScaledRows', () => {
  it('equals PyTorch', async () => {
    const { scale, rows } = goldens.addScaledRows.options;
    await expectGolden('addScaledRows', ([x, y, gamma]) =>
      tf.tidy(() => addScaledRows(x, y, { gamma, rows: tf.tensor1d(rows, 'int32'), scale })),
    );
    await expectGolden('addScaledRows without rows', ([x, y]) =>
      addScaledRows(x, y, { scale: 0.5 }),
    );
  });

  it('equals its formula on any shape', () =>
    expectFormula(
      fc
        .tuple(length(5), length(3), length(3), fc.boolean())
        .chain(([batch, tokens, width, withGamma]) =>
          fc.record({
            batch: fc.constant(batch),
            tokens: fc.constant(tokens),
            width: fc.constant(width),
            withGamma: fc.constant(withGamma),
            rows: fc.shuffledSubarray([...Array(batch).keys()], { minLength: 1 }),
          }),
        ),
      ({ batch, tokens, width, withGamma, rows }) => ({
        inputs: [
          [batch, tokens, width],
          [rows.length, tokens, width],
          ...(withGamma ? [[width]] : []),
        ],
        output: [batch, tokens, width],
        operation: (x, y, gamma) =>
          tf.tidy(() => addScaledRows(x, y, { gamma, rows: tf.tensor1d(rows, 'int32'), scale: 3 })),
        formula: (x, y, gamma) =>
          x.map((value, index) => {
            const size = tokens * width;
            const j = rows.indexOf(Math.floor(index / size));
            const factor = 3 * (withGamma ? gamma[index % width] : 1);
            return j < 0 ? value : value + factor * y[j * size + (index % size)];
          }),
      }),
    ));

  it('keeps a broken row from the others', async () => {
    for (const backend of backends) {
      await tf.setBackend(backend);
      const y = tf.tensor2d([NaN, Infinity, 1, 2], [2, 2]);
      const out = addScaledRows(tf.zeros([3, 2]), y, { rows: tf.tensor1d([2, 0], 'int32') });
      expect(Array.from(out.dataSync())).toEqual([1, 2, 0, 0, NaN, Infinity]);
    }
  });

  it('refuses a subset without rows', () => {
    expect(() => addScaledRows(tf.zeros([3, 2]), tf.zeros([2, 2]))).toThrow(
      "AddScaledRows: 'y' has 2 rows and 'x' has 3; pass distinct 'rows' for a subset.",
    );
    expect(() =>
      addScaledRows(tf.zeros([3, 2]), tf.zeros([2, 2]), { rows: tf.tensor1d([0, 1]) }),
    ).toThrow("AddScaledRows: input 'rows' is float32; cast it to int32 first.");
  });
});
