import { describe, expect, it } from 'vitest';
import { checkKernel, nodeOf, normal } from './check';
import { simdKernels } from './index';

/** out[i…] = x[…] by index arithmetic. */
function transposed(data: ArrayLike<number>, shape: readonly number[], perm: readonly number[]): number[] {
  const strides = shape.map((_, i) => shape.slice(i + 1).reduce((n, length) => n * length, 1));
  return perm
    .reduce<number[]>((offsets, axis) => offsets.flatMap((o) => Array.from({ length: shape[axis] }, (_, i) => o + i * strides[axis])), [0])
    .map((offset) => data[offset]);
}

const nodeFor = (shape: readonly number[], perm: readonly number[]) =>
  nodeOf('Transpose', { x: { data: new Float32Array(0), shape } }, { perm }, [
    { shape: perm.map((axis) => shape[axis]), dtype: 'float32' },
  ]);

describe('Transpose', () => {
  it.each([
    [[2, 5, 3, 4, 16], [2, 0, 3, 1, 4]],
    [[3, 2, 4, 5, 16], [1, 3, 0, 2, 4]],
    [[2, 3, 5, 20], [0, 2, 1, 3]],
    [[2, 3, 14, 2, 42], [0, 1, 3, 2, 4]],
    [[3, 2, 17], [1, 0, 2]],
    [[4, 3, 4, 5], [1, 0, 2, 3]],
    [[3, 1, 64], [1, 0, 2]],
    [[2, 3, 2, 3, 2, 16], [4, 3, 0, 1, 2, 5]],
  ])('moves blocks of %j by %j', (shape, perm) => {
    const x = normal(shape);
    checkKernel(nodeFor(shape, perm), { x }, [transposed(x.data, shape, perm)], { rtol: 0, atol: 0 });
  });

  it('leaves short and too scattered blocks to others', () => {
    const supports = (shape: number[], perm: number[]) => simdKernels.get('Transpose')!.supports(nodeFor(shape, perm));
    expect(supports([8, 16], [1, 0])).toBe(false);
    expect(supports([3, 4, 8], [1, 0, 2])).toBe(false);
    expect(supports([2, 2, 2, 2, 2, 16], [4, 3, 2, 1, 0, 5])).toBe(false);
  });
});
