import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type LinearTable, orderedBatches, shuffledBatches } from './batches';

/** Tokens that tell row and block: row + block / 10. */
function numbered(rows: number, classes: number): LinearTable {
  const block = (b: number) => ({ data: Float32Array.from({ length: rows }, (_, row) => row + b / 10), shape: [rows, 1] });
  return { classTokens: [block(1), block(2)], meanPatch: block(3), labels: Array.from({ length: rows }, (_, row) => row % classes) };
}

describe('shuffledBatches', () => {
  it('shows every row once in each pass, in another order, whatever the batch size', async () => {
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 3, max: 20 }), fc.integer({ min: 1, max: 25 }), fc.nat(100), async (rows, batchSize, seed) => {
        const batches = shuffledBatches(numbered(rows, 3), { batchSize, seed });
        const seen: number[] = [];
        for (let t = 0; seen.length < 3 * rows; t++) {
          const { classTokens, meanPatch, labels } = await batches(t);
          expect(classTokens.shape).toEqual([batchSize, 2, 1]);
          for (let i = 0; i < batchSize; i++) {
            const row = Math.floor(classTokens.data[2 * i]!);
            expect([classTokens.data[2 * i], classTokens.data[2 * i + 1], meanPatch!.data[i]]).toEqual([0.1, 0.2, 0.3].map((part) => Math.fround(row + part)));
            expect(labels[i]).toBe(row % 3);
            seen.push(row);
          }
        }
        for (let pass = 0; pass < 3; pass++) {
          const rowsOfPass = seen.slice(pass * rows, (pass + 1) * rows).sort((a, b) => a - b);
          expect(rowsOfPass).toEqual(Array.from({ length: rows }, (_, i) => i));
        }
      }),
    );
  });

  it('is a function of seed and iteration', async () => {
    const table = numbered(50, 3);
    const forwards = shuffledBatches(table, { batchSize: 20, seed: 4 });
    const backwards = shuffledBatches(table, { batchSize: 20, seed: 4 });
    const last = await backwards(7);
    await backwards(0);
    for (let t = 0; t < 7; t++) await forwards(t);
    expect(await forwards(7)).toEqual(last);
    expect(await shuffledBatches(table, { batchSize: 20, seed: 5 })(7)).not.toEqual(last);
  });

  it('says what does not fit', () => {
    const table = numbered(6, 3);
    const shuffle = (changes: Partial<LinearTable>) => () => shuffledBatches({ ...table, ...changes }, { batchSize: 2 });
    expect(shuffle({ labels: [0, 1, 1, 1, 3, 0] })).toThrow('class 2 of 4 has no rows');
    expect(shuffle({ labels: [0, 1] })).toThrow('the table has 6 rows but 2 labels');
    expect(shuffle({ classTokens: [] })).toThrow('classTokens is an empty list');
    expect(shuffle({ meanPatch: { data: new Float32Array(5), shape: [5, 1] } })).toThrow('meanPatch is (5, 1) and classTokens[0] is (6, 1)');
    expect(() => shuffledBatches(table, { batchSize: 0 })).toThrow('batchSize is 0');
  });
});

describe('orderedBatches', () => {
  it('gives every row once and in order', () => {
    const batches = [...orderedBatches(numbered(7, 3), 3)];
    expect(batches.map(({ labels }) => Array.from(labels))).toEqual([[0, 1, 2], [0, 1, 2], [0]]);
    expect(batches.flatMap(({ classTokens }) => [...classTokens.data].filter((_, i) => i % 2 === 0).map(Math.floor))).toEqual([0, 1, 2, 3, 4, 5, 6]);
    const { classTokens } = numbered(2, 1);
    expect([...orderedBatches({ classTokens })]).toEqual([{ classTokens: { data: Float32Array.of(0.1, 0.2, 1.1, 1.2), shape: [2, 2, 1] } }]);
  });
});
