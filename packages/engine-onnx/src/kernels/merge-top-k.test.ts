import { createRandom } from '@dinov2/primitives';
import { describe, it } from 'vitest';
import { checkPrimitive, type HostTensor, int32 } from './check';

// A value is copied, never computed.
const exact = { rtol: 0, atol: 0 };
const random = createRandom(3);

/** Few different values, so that many are equal. */
function scoresOf(rows: number, columns: number, different: number): HostTensor {
  const data = Float32Array.from({ length: rows * columns }, () => Math.floor(random.uniform(0, different)) - different / 2);
  return { data, shape: [rows, columns] };
}

function lists(rows: number, k: number, different: number): { values: HostTensor; indices: HostTensor } {
  const values = scoresOf(rows, k, different);
  for (let row = 0; row < rows; row++) (values.data.subarray(row * k, (row + 1) * k) as Float32Array).sort().reverse();
  return { values, indices: { data: Int32Array.from({ length: rows * k }, (_, i) => i), shape: [rows, k] } };
}

const scalar = (value: number): HostTensor => ({ data: int32([value]).data, shape: [] });

describe('MergeTopK', () => {
  it.each([
    [1, 1, 1], [2, 3, 1], [3, 16, 4], [2, 17, 5], [4, 63, 20], [2, 64, 3], [5, 131, 33], [1, 500, 200], [3, 40, 70],
  ])('agrees with the fallback on (%i, %i) scores and lists of %i', async (rows, columns, k) => {
    for (const different of [3, 1000]) {
      const inputs = { ...lists(rows, k, different), scores: scoresOf(rows, columns, different), start: scalar(10_000), count: scalar(columns) };
      await checkPrimitive('MergeTopK', inputs, {}, exact);
    }
  });

  it.each([9, 16, 30, 64, 70])('fills empty lists from %i scores, whatever the padding after them holds', async (count) => {
    const values = { data: new Float32Array(2 * 9).fill(-Infinity), shape: [2, 9] };
    const indices = { data: new Int32Array(2 * 9), shape: [2, 9] };
    const scores = scoresOf(2, 70, 50);
    for (let row = 0; row < 2; row++) scores.data.fill(1e30, row * 70 + count, (row + 1) * 70);
    await checkPrimitive('MergeTopK', { values, indices, scores, start: scalar(0), count: scalar(count) }, {}, exact);
  });

  it.each([
    [7, 3, 20, 4, [5, 0, 2]], [4, 4, 64, 70, [3, 1, 0, 2]], [3, 5, 131, 9, [-1, 2, -1, 0, -1]],
  ])('of %i lists changes those of %i rows of %i scores, k %i', async (total, rows, columns, k, belongs) => {
    const inputs = { ...lists(total, k, 30), scores: scoresOf(rows, columns, 40), start: scalar(500), count: scalar(columns - 3), rows: int32(belongs) };
    await checkPrimitive('MergeTopK', inputs, {}, exact);
  });

  it('keeps what it has where no score is larger', async () => {
    const { values, indices } = lists(3, 8, 100);
    const scores = { data: new Float32Array(3 * 50).fill(-1e30), shape: [3, 50] };
    await checkPrimitive('MergeTopK', { values, indices, scores, start: scalar(99), count: scalar(50) }, {}, exact);
  });
});
