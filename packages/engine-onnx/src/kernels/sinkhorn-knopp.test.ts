import { describe, expect, it } from 'vitest';
import { checkKernel, checkPrimitive, float32, nodeOf, normal, runKernel } from './check';

const temperature = float32([0.07], []);
// Three iterations of float32 sums over rows and columns.
const tolerance = { rtol: 2e-5, atol: 1e-9 };

describe('SinkhornKnopp', () => {
  it('gives the values of the published algorithm', () => {
    const logits = float32([0.1, 0, -0.1, 0.05, 0.02, 0.01], [2, 3]);
    const node = nodeOf('SinkhornKnopp', { logits, temperature }, { iterations: 3 }, [{ shape: [2, 3], dtype: 'float32' }]);
    // PyTorch, 6 digits.
    const expected = [0.499198, 0.34721, 0.153591, 0.169035, 0.319587, 0.511378];
    checkKernel(node, { logits, temperature }, [expected], { rtol: 0, atol: 1e-6 });
  });

  it.each([[1, 1], [1, 9], [2, 3], [5, 4], [7, 33], [13, 1025], [9, 2051]])(
    'agrees with the fallback on (%i, %i)',
    async (rows, columns) => {
      const inputs = { logits: normal([rows, columns], 0.3), temperature };
      await checkPrimitive('SinkhornKnopp', inputs, { iterations: 3 }, tolerance);
    },
  );

  it.each([1, 2, 5])('agrees with the fallback after %i iterations', async (iterations) => {
    await checkPrimitive('SinkhornKnopp', { logits: normal([6, 50], 0.3), temperature }, { iterations }, tolerance);
  });

  it('leaves invalid rows out, whatever they hold', async () => {
    const valid = float32([1, 0, 1, 1, 0, 1, 1]);
    const logits = normal([7, 37], 0.3);
    await checkPrimitive('SinkhornKnopp', { logits, temperature, valid }, { iterations: 3 }, tolerance);
    const node = nodeOf('SinkhornKnopp', { logits, temperature, valid }, { iterations: 3 }, [{ shape: [7, 37], dtype: 'float32' }]);
    const clean = runKernel(node, { logits, temperature, valid });
    (logits.data as Float32Array).fill(NaN, 37, 74).fill(Infinity, 4 * 37, 5 * 37);
    expect(runKernel(node, { logits, temperature, valid })).toEqual(clean);
    expect(clean[0].subarray(37, 74).every((value) => value === 0)).toBe(true);
  });

  it('gives rows that sum to 1 for logits whose exponentials overflow', () => {
    const logits = normal([8, 64], 30);
    const node = nodeOf('SinkhornKnopp', { logits, temperature }, { iterations: 3 }, [{ shape: [8, 64], dtype: 'float32' }]);
    const [p] = runKernel(node, { logits, temperature });
    for (let r = 0; r < 8; r++) {
      expect(p.subarray(64 * r, 64 * (r + 1)).reduce((a, b) => a + b, 0)).toBeCloseTo(1, 5);
    }
  });
});
