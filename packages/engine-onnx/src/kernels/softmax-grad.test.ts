import { describe, it } from 'vitest';
import { checkKernel, float32, nodeOf, normal } from './check';

const shapes = [[1, 1], [3, 2], [2, 5], [4, 8], [7, 50], [5, 257]] as const;
// A sum of up to 257 products.
const tolerance = { rtol: 2e-6, atol: 1e-7 };

/** softmax(x) per row, in float64. */
function softmaxRows(x: ArrayLike<number>, columns: number): number[] {
  const out: number[] = [];
  for (let start = 0; start < x.length; start += columns) {
    const row = Array.from({ length: columns }, (_, j) => x[start + j]);
    const top = Math.max(...row);
    const e = row.map((v) => Math.exp(v - top));
    const sum = e.reduce((a, b) => a + b, 0);
    out.push(...e.map((v) => v / sum));
  }
  return out;
}

describe('SoftmaxGrad', () => {
  it.each(shapes)('agrees with float64 on (%i, %i)', (rows, columns) => {
    const p = float32(softmaxRows(normal([rows, columns]).data, columns), [rows, columns]);
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
