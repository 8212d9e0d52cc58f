import { describe, expect, it } from 'vitest';
import { expectAllclose } from '../../../../tests/support/allclose';
import { symmetric } from '../../../../tests/support/golden';
import { shardRows } from './sharded';

const dim = 30;
const classes = 19;

function problem(rows: number) {
  return {
    features: symmetric(1, rows * dim).map((value) => value + 1),
    labels: Int32Array.from({ length: rows }, (_, i) => (i * 7) % classes),
    dim,
    classes,
  };
}

/** Cross-entropies, gradient and metric by their formulas, in plain loops. */
function byHand({ features, labels }: ReturnType<typeof problem>, coefficients: Float64Array) {
  const width = dim + 1;
  let loss = 0;
  const gradient = new Float64Array(classes * width);
  const metric = new Float64Array(width * width);
  labels.forEach((label, row) => {
    const x = [...features.slice(row * dim, (row + 1) * dim), 1];
    const z = Array.from({ length: classes }, (_, c) => x.reduce((sum, value, d) => sum + value * coefficients[c * width + d]!, 0));
    const sum = z.reduce((total, value) => total + Math.exp(value), 0);
    loss += Math.log(sum) - z[label]!;
    const p = z.map((value) => Math.exp(value) / sum);
    const variance = p.reduce((total, value) => total + value * (1 - value), 0) / classes;
    for (let d = 0; d < width; d++) {
      for (let c = 0; c < classes; c++) gradient[c * width + d]! += (p[c]! - Number(c === label)) * x[d]!;
      for (let e = 0; e < width; e++) metric[d * width + e]! += variance * x[d]! * x[e]!;
    }
  });
  return { loss, gradient, metric };
}

describe('shardRows', () => {
  // 1 row, less than a block, a block and some, and enough for threads.
  it.each([[1, 1], [50, 1], [131, 1], [44_001, 3]])('sums over %i rows on %i threads', async (rows, threads) => {
    const data = problem(rows);
    const coefficients = Float64Array.from(symmetric(2, classes * (dim + 1)));
    const expected = byHand(data, coefficients);
    const sharded = shardRows(data, threads);
    try {
      const { loss, gradient } = await sharded.evaluate(coefficients);
      // Sums of up to 44,001 terms of one size, in another order.
      const atol = 1e-13 * rows;
      expectAllclose([loss], [expected.loss], { rtol: 1e-12 });
      expectAllclose(gradient, expected.gradient, { rtol: 1e-10, atol });
      expectAllclose(await sharded.metric(coefficients), expected.metric, { rtol: 1e-10, atol });
    } finally {
      await sharded.close();
    }
  });

  it('fails with a sentence when its threads end', async () => {
    const data = problem(44_001);
    const sharded = shardRows(data, 2);
    await sharded.close();
    await expect(sharded.evaluate(new Float64Array(classes * (dim + 1)))).rejects.toThrow('a thread of the logistic regression ended');
  });
});
