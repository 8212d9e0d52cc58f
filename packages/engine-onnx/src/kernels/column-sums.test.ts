import { describe, expect, it } from 'vitest';
import { checkKernel, nodeOf, normal } from './check';
import { simdKernels } from './index';

const sumNode = (shape: number[], axis: unknown, outputShape: number[]) =>
  nodeOf('Sum', { x: normal(shape) }, { axis, keepDims: false }, [{ shape: outputShape, dtype: 'float32' }]);

describe('Sum over leading axes', () => {
  it.each([
    [1, 1],
    [7, 3],
    [8, 4],
    [9, 5],
    [24, 17],
    [131, 50],
  ])('agrees with float64 on (%i, %i)', (rows, columns) => {
    const x = normal([rows, columns]);
    const expected = new Float64Array(columns);
    x.data.forEach((value, i) => (expected[i % columns] += value));
    const node = nodeOf('Sum', { x }, { axis: 0, keepDims: false }, [{ shape: [columns], dtype: 'float32' }]);
    // Rounding of a sum of `rows` values of magnitude 1.
    checkKernel(node, { x }, [expected], { rtol: 1e-6, atol: 1e-5 });
  });

  it('accepts leading axes in any spelling and nothing else', () => {
    const supports = (axis: unknown, outputShape: number[]) =>
      simdKernels.get('Sum')!.supports(sumNode([2, 3, 4], axis, outputShape));
    expect(supports(0, [3, 4])).toBe(true);
    expect(supports([0, 1], [4])).toBe(true);
    expect(supports([-2, 0], [4])).toBe(true);
    expect(supports([1], [2, 4])).toBe(false);
    expect(supports(-1, [2, 3])).toBe(false);
    expect(supports([0, 1, 2], [])).toBe(false);
    expect(supports(undefined, [])).toBe(false);
  });
});
