import * as tf from '@tensorflow/tfjs-core';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { backends } from './goldens.testing';
import { mergeTopK, type TopK } from './merge-top-k';

const empty = (n: number, k: number): TopK => ({ values: tf.fill([n, k], -Infinity), indices: tf.zeros([n, k], 'int32') });

describe.each(backends)('mergeTopK on %s', (backend) => {
  it('keeps the largest, in order, the list first where values are equal', async () => {
    await tf.setBackend(backend);
    const before = tf.memory().numTensors;
    tf.tidy(() => {
      const best = { values: tf.tensor2d([[9, 5, 1]]), indices: tf.tensor2d([[3, 0, 7]], undefined, 'int32') };
      const { values, indices } = mergeTopK(best, tf.tensor2d([[2, 5, 9, 5]]), { start: 10 });
      expect([...values.dataSync()]).toEqual([9, 9, 5]);
      expect([...indices.dataSync()]).toEqual([3, 12, 0]);
      expect(indices.dtype).toBe('int32');
    });
    expect(tf.memory().numTensors).toBe(before);
  });

  it('leaves padding out', async () => {
    await tf.setBackend(backend);
    tf.tidy(() => {
      const { values, indices } = mergeTopK(empty(1, 2), tf.tensor2d([[1, 2, 100]]), { start: 0, count: 2 });
      expect([...values.dataSync()]).toEqual([2, 1]);
      expect([...indices.dataSync()]).toEqual([1, 0]);
    });
  });

  it('changes only the lists that rows belong to', async () => {
    await tf.setBackend(backend);
    tf.tidy(() => {
      const best = { values: tf.tensor2d([[9, 5], [8, 4], [7, -Infinity]]), indices: tf.tensor2d([[0, 1], [2, 3], [4, 0]], undefined, 'int32') };
      const scores = tf.tensor2d([[1, 6], [100, 100], [10, 5]]);
      const { values, indices } = mergeTopK(best, scores, { start: 20, rows: tf.tensor1d([2, -1, 0], 'int32') });
      expect([...values.dataSync()]).toEqual([10, 9, 8, 4, 7, 6]);
      expect([...indices.dataSync()]).toEqual([20, 0, 2, 3, 4, 21]);
    });
  });

  it('gives a stable sort of all columns, however they are cut into blocks', async () => {
    await tf.setBackend(backend);
    const problem = fc.record({
      rows: fc.array(fc.array(fc.integer({ min: -3, max: 3 }), { minLength: 12, maxLength: 12 }), { minLength: 1, maxLength: 4 }),
      k: fc.integer({ min: 1, max: 12 }),
      block: fc.integer({ min: 1, max: 12 }),
    });
    fc.assert(
      fc.property(problem, ({ rows, k, block }) => {
        tf.tidy(() => {
          let best = empty(rows.length, k);
          for (let start = 0; start < 12; start += block) {
            best = mergeTopK(best, tf.tensor2d(rows.map((row) => row.slice(start, start + block))), { start });
          }
          const order = rows.map((row) => row.map((_, i) => i).sort((a, b) => row[b]! - row[a]! || a - b).slice(0, k));
          expect([...best.indices.dataSync()]).toEqual(order.flat());
          expect([...best.values.dataSync()]).toEqual(order.flatMap((columns, i) => columns.map((column) => rows[i]![column]!)));
        });
      }),
      { numRuns: 30 },
    );
  });
});

describe('mergeTopK', () => {
  it('refuses shapes that do not fit', async () => {
    await tf.setBackend('cpu');
    const merge = (k: number, rows: number) => () => tf.tidy(() => void mergeTopK(empty(2, k), tf.zeros([rows, 4]), { start: 0 }));
    expect(merge(3, 3)).toThrow(/n = 2 as in 'values'/);
    expect(merge(0, 2)).toThrow(/length 0/);
  });
});
