import { describe, expect, it } from 'vitest';
import { checkPrimitive, float32, type HostTensor, nodeOf, normal, runKernel } from './check';

const counts = [1, 3, 4, 7, 16, 19, 64, 65, 2053];

describe('SquaredNorm', () => {
  it.each(counts)('agrees with the fallback on %i values', async (count) => {
    await checkPrimitive('SquaredNorm', { x: normal([count]) }, {}, { rtol: 1e-5, atol: 0 });
  });

  const squaredNorm = (values: ArrayLike<number>): number => {
    const x: HostTensor = { data: Float32Array.from(values), shape: [values.length] };
    return runKernel(nodeOf('SquaredNorm', { x }, {}, [{ shape: [], dtype: 'float32' }]), { x })[0][0];
  };

  it('does not lose small values in a long sum', () => {
    // 4 million times 0.01^2: adding them one by one in float32 stops growing long before.
    const expected = 4e6 * Math.fround(0.01) ** 2;
    expect(squaredNorm(new Float32Array(4e6).fill(0.01)) / expected).toBeCloseTo(1, 6);
  });

  it.each([0, 5, 66])('passes NaN and infinity at index %i', (index) => {
    const x = new Float32Array(67).fill(1);
    x[index] = NaN;
    expect(squaredNorm(x)).toBeNaN();
    x[index] = -Infinity;
    expect(squaredNorm(x)).toBe(Infinity);
  });
});

describe('Ema', () => {
  it.each(counts)('agrees with the fallback on %i values', async (count) => {
    const inputs = { target: normal([count]), source: normal([count]), momentum: float32([0.994], []) };
    // 1 - momentum cancels two digits; both sides take it in float32.
    await checkPrimitive('Ema', inputs, {}, { rtol: 1e-6, atol: 1e-6 });
  });
});

describe('AdamW', () => {
  const attributes = { beta1: 0.9, beta2: 0.999, epsilon: 1e-8 };
  const square = (x: HostTensor): HostTensor => ({ ...x, data: x.data.map((v) => v * v) });
  const inputsOf = (count: number, apply: number) => ({
    param: normal([count]),
    grad: normal([count]),
    m: normal([count], 0.1),
    v: square(normal([count], 0.1)),
    hyper: float32([1e-3, 0.04, 1 / (1 - 0.9 ** 3), 1 / (1 - 0.999 ** 3), 0.7, apply]),
  });
  const nodeFor = (inputs: Record<string, HostTensor>) => {
    const output = { shape: inputs.param.shape, dtype: 'float32' } as const;
    return nodeOf('AdamW', inputs, attributes, [output, output, output]);
  };
  const allInPlace = { aliases: [[0, 0], [2, 1], [3, 2]] } as const;

  it.each(counts)('agrees with the fallback on %i values', async (count) => {
    await checkPrimitive('AdamW', inputsOf(count, 1), attributes, { rtol: 2e-6, atol: 1e-7 });
  });

  it('gives the same bits when all three states are updated in place', () => {
    const inputs = inputsOf(101, 1);
    const node = nodeFor(inputs);
    expect(runKernel(node, inputs, allInPlace)).toEqual(runKernel(node, inputs));
  });

  it('leaves every bit unchanged with apply = 0, whatever the gradient', () => {
    const inputs = inputsOf(101, 0);
    inputs.grad.data.fill(NaN);
    inputs.param.data[3] = -0;
    const node = nodeFor(inputs);
    const { param, m, v } = inputs;
    for (const options of [{}, allInPlace]) {
      expect(runKernel(node, inputs, options)).toEqual([param.data, m.data, v.data]);
    }
  });
});
