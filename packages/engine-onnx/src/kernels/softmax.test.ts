import { describe, expect, it } from 'vitest';
import { checkKernel, float32, nodeOf, normal, runKernel } from './check';

const shapes = [[1, 1], [3, 2], [2, 5], [4, 8], [7, 50], [5, 257]] as const;
// exp within 2 ulp and a sum of up to 257 terms.
const tolerance = { rtol: 2e-6, atol: 1e-7 };

/** softmax(scale x) per row, in float64. */
function softmaxRows(x: ArrayLike<number>, columns: number, scale: number): number[] {
  const out: number[] = [];
  for (let start = 0; start < x.length; start += columns) {
    const row = Array.from({ length: columns }, (_, j) => x[start + j] * scale);
    const top = Math.max(...row);
    const e = row.map((v) => Math.exp(v - top));
    const sum = e.reduce((a, b) => a + b, 0);
    out.push(...e.map((v) => v / sum));
  }
  return out;
}

describe('Softmax', () => {
  it.each(shapes)('agrees with float64 on (%i, %i)', (rows, columns) => {
    const logits = normal([rows, columns], 4);
    for (const scale of [1, 0.125, -0.5]) {
      const node = nodeOf('Softmax', { logits }, { dim: -1, scale }, [{ shape: [rows, columns], dtype: 'float32' }]);
      checkKernel(node, { logits }, [softmaxRows(logits.data, columns, scale)], tolerance);
    }
  });

  it('survives huge logits, gives 0 for -inf, and NaN for a row that holds NaN', () => {
    const logits = float32([1e30, 1e30, -1e30, 1, -Infinity, 1, NaN, 0, 0, 0, 0, 0], [4, 3]);
    const node = nodeOf('Softmax', { logits }, {}, [{ shape: [4, 3], dtype: 'float32' }]);
    const [p] = runKernel(node, { logits });
    expect([...p.subarray(0, 9)]).toEqual([0.5, 0.5, 0, 0.5, 0, 0.5, NaN, NaN, NaN]);
    expect(p[9]).toBeCloseTo(1 / 3, 6);
  });
});

describe('SoftmaxGrad', () => {
  it.each(shapes)('agrees with float64 on (%i, %i)', (rows, columns) => {
    const p = float32(softmaxRows(normal([rows, columns]).data, columns, 1), [rows, columns]);
    const dp = normal([rows, columns]);
    const scale = 0.125;
    const expected: number[] = [];
    for (let start = 0; start < p.data.length; start += columns) {
      let sum = 0;
      for (let j = 0; j < columns; j++) sum += p.data[start + j] * dp.data[start + j];
      for (let j = 0; j < columns; j++) expected.push(scale * p.data[start + j] * (dp.data[start + j] - sum));
    }
    const node = nodeOf('SoftmaxGrad', { p, dp }, { scale }, [{ shape: [rows, columns], dtype: 'float32' }]);
    checkKernel(node, { p, dp }, [expected], tolerance);
  });
});
