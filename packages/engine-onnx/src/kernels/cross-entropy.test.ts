import { describe, expect, it } from 'vitest';
import { checkKernel, checkPrimitive, float32, type HostTensor, nodeOf, normal, runKernel } from './check';

// (R, T, K); the last exceeds one cache block of 2048 columns.
const shapes = [[1, 1, 1], [2, 1, 3], [6, 2, 5], [4, 4, 16], [6, 3, 257], [4, 2, 5003]] as const;
const temperature = 0.1;

/** Rows that sum to 1 up to a factor per row. */
function probabilities(rows: number, columns: number): HostTensor {
  const p = normal([rows, columns]);
  for (let r = 0; r < rows; r++) {
    const row = p.data.subarray(r * columns, (r + 1) * columns) as Float32Array;
    row.forEach((value, i) => (row[i] = Math.exp(3 * value)));
    const sum = row.reduce((a, b) => a + b, 0) / (r + 1);
    row.forEach((value, i) => (row[i] = value / sum));
  }
  return p;
}

/** Loss and log-sum-exp per row in float64. */
function reference(student: HostTensor, teacher: HostTensor): [loss: number[], lse: number[]] {
  const [rows, columns] = student.shape;
  const loss: number[] = [];
  const lse: number[] = [];
  for (let r = 0; r < rows; r++) {
    const logits = [...student.data.subarray(r * columns, (r + 1) * columns)].map((v) => v / temperature);
    const top = Math.max(...logits);
    const logSum = top + Math.log(logits.reduce((sum, v) => sum + Math.exp(v - top), 0));
    const offset = (r % teacher.shape[0]) * columns;
    lse.push(logSum);
    loss.push(logits.reduce((sum, v, k) => sum + teacher.data[offset + k] * (logSum - v), 0));
  }
  return [loss, lse];
}

const forwardNode = (student: HostTensor, teacher: HostTensor) => {
  const row = { shape: [student.shape[0]], dtype: 'float32' } as const;
  return nodeOf('DistillationCrossEntropy', { student, teacher }, { temperature }, [row, row]);
};

describe('DistillationCrossEntropy', () => {
  it.each(shapes)('agrees with float64 on R = %i, T = %i, K = %i', (rows, teacherRows, columns) => {
    const student = normal([rows, columns]);
    const teacher = probabilities(teacherRows, columns);
    const node = forwardNode(student, teacher);
    checkKernel(node, { student, teacher }, reference(student, teacher), { rtol: 2e-6, atol: 2e-6 });
  });

  it('is 0 for a teacher of zeros and takes huge and infinitely small logits', () => {
    const student = float32([1e30, 0, -1e30, -Infinity, 1, 1, 5, 5, 5], [3, 3]);
    const teacher = float32([1, 0, 0, 0, 0.5, 0.5, 0, 0, 0], [3, 3]);
    const [loss, lse] = runKernel(forwardNode(student, teacher), { student, teacher });
    expect(lse[0] / 1e31).toBeCloseTo(1, 6);
    expect(Math.abs(loss[0]) / 1e31).toBeLessThan(1e-7);
    // 0 · (-inf) is NaN, as in the fallback.
    expect([...loss.subarray(1)]).toEqual([NaN, 0]);
    expect(lse[1]).toBeCloseTo(10 + Math.LN2, 5);
  });

  it('passes NaN to its row only', () => {
    const student = normal([2, 5000]);
    student.data[4000] = NaN;
    const teacher = probabilities(2, 5000);
    const [loss, lse] = runKernel(forwardNode(student, teacher), { student, teacher });
    expect([loss[0], lse[0]]).toEqual([NaN, NaN]);
    expect(Number.isFinite(loss[1]) && Number.isFinite(lse[1])).toBe(true);
  });
});

describe('DistillationCrossEntropyGrad', () => {
  it.each(shapes)('agrees with the fallback on R = %i, T = %i, K = %i', async (rows, teacherRows, columns) => {
    const student = normal([rows, columns], 0.3);
    const teacher = probabilities(teacherRows, columns);
    const lse = float32(reference(student, teacher)[1]);
    const dloss = normal([rows]);
    const inputs = { student, teacher, lse, dloss };
    // Values up to 1 / temperature; logits / temperature of magnitude 10 are rounded to 1e-6 on both sides.
    await checkPrimitive('DistillationCrossEntropyGrad', inputs, { temperature }, { rtol: 2e-5, atol: 1e-5 });
  });

  it('writes zeros where dloss is 0, whatever the logits', () => {
    const student = float32([NaN, Infinity, 1, 1, 2, 3], [2, 3]);
    const teacher = float32([0.2, 0.3, 0.5], [1, 3]);
    const inputs = { student, teacher, lse: float32([NaN, 30.46]), dloss: float32([0, 1]) };
    const node = nodeOf('DistillationCrossEntropyGrad', inputs, { temperature }, [{ shape: [2, 3], dtype: 'float32' }]);
    const [dstudent] = runKernel(node, inputs);
    expect([...dstudent.subarray(0, 3)]).toEqual([0, 0, 0]);
    expect(dstudent.subarray(3).every(Number.isFinite)).toBe(true);
  });
});
