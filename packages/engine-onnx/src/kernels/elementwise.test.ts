import { describe, expect, it } from 'vitest';
import { checkKernel, float32, type HostTensor, nodeOf, normal } from './check';
import { simdKernels } from './index';

const counts = [1, 4, 7, 8, 15, 16, 19, 64, 67];
const exact = { rtol: 0, atol: 0 };

describe('elementwise kernels equal float32 arithmetic', () => {
  it.each([
    ['Add', (a: number, b: number) => a + b],
    ['Sub', (a: number, b: number) => a - b],
    ['Multiply', (a: number, b: number) => a * b],
  ])('%s', (op, f) => {
    for (const count of counts) {
      const a = normal([count]);
      const b = normal([count]);
      const node = nodeOf(op, { a, b }, {}, [{ shape: [count], dtype: 'float32' }]);
      checkKernel(node, { a, b }, [a.data.map((value, i) => f(value, b.data[i]))], exact);
    }
  });

  it('Multiply by a scalar on either side', () => {
    for (const count of counts) {
      const x = normal([count]);
      const scalar = float32([-1.7], []);
      const expected = x.data.map((value) => value * scalar.data[0]);
      for (const inputs of [{ a: x, b: scalar }, { a: scalar, b: x }] as Record<string, HostTensor>[]) {
        checkKernel(nodeOf('Multiply', inputs, {}, [{ shape: [count], dtype: 'float32' }]), inputs, [expected], exact);
      }
    }
  });

  it('AddN', () => {
    for (const count of counts) {
      const inputs = { 0: normal([count]), 1: normal([count]), 2: normal([count]) };
      const expected = inputs[0].data.map((value, i) => Math.fround(value + inputs[1].data[i]) + inputs[2].data[i]);
      checkKernel(nodeOf('AddN', inputs, {}, [{ shape: [count], dtype: 'float32' }]), inputs, [expected], exact);
    }
  });
});

it('broadcasting is left to others', () => {
  const supports = (op: string, a: number[], b: number[], out: number[]) =>
    simdKernels.get(op)!.supports(nodeOf(op, { a: normal(a), b: normal(b) }, {}, [{ shape: out, dtype: 'float32' }]));
  expect(supports('Add', [2, 3], [3], [2, 3])).toBe(false);
  expect(supports('Multiply', [2, 3], [3], [2, 3])).toBe(false);
  expect(supports('Multiply', [2, 1], [1, 1, 1], [1, 2, 1])).toBe(false);
  expect(supports('Multiply', [2, 3], [1], [2, 3])).toBe(true);
});
