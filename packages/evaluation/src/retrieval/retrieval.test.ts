import { describe, expect, it } from 'vitest';
import golden from './retrieval.golden.json';
import { globalAveragePrecision, meanAveragePrecision, retrieve, revisitedRetrieval, type RevisitedProtocol } from '../index';

// The golden adds exact fractions; ours are a few dozen float64 additions.
const digits = 12;

describe('revisited Oxford and Paris', () => {
  it.each(golden.retrieval.map((made, i) => [i, made] as const))('scores made-up ranks %i as the definition does', (_i, { rankings, truth, scores }) => {
    const actual = revisitedRetrieval(rankings, truth);
    for (const [name, expected] of Object.entries(scores)) {
      const { meanAveragePrecision: map, meanPrecisionAt, averagePrecisions, queries } = actual[name as RevisitedProtocol];
      expect(map).toBeCloseTo(expected.map, digits);
      expected.aps.forEach((ap, query) => {
        if (ap === null) expect(averagePrecisions[query]).toBeNaN();
        else expect(averagePrecisions[query]).toBeCloseTo(ap, digits);
      });
      expect(queries).toBe(expected.aps.filter((ap) => ap !== null).length);
      for (const [kappa, value] of Object.entries(expected.at)) expect(meanPrecisionAt[kappa]).toBeCloseTo(value, digits);
    }
  });

  it('gives the trapezoids of an example worked by hand', () => {
    // Rank 0 is junk; positives stand at 0 and 3 of the rest: (1 + 1)/2/2 + (1/3 + 2/4)/2/2.
    const { meanAveragePrecision: map, meanPrecisionAt } = meanAveragePrecision([[9, 1, 5, 6, 2]], [{ positives: [1, 2], junk: [9] }], [1, 3, 10]);
    expect(map).toBeCloseTo(0.5 + (1 / 3 + 1 / 2) / 4, 15);
    // The last positive is at rank 4: the precision at 10 is that at 4.
    expect(meanPrecisionAt).toEqual({ 1: 1, 3: 1 / 3, 10: 0.5 });
  });

  it('is 1 where all positives come first, whatever junk stands between them', () => {
    expect(meanAveragePrecision([[8, 3, 9, 4, 0, 1]], [{ positives: [3, 4], junk: [8, 9] }]).meanAveragePrecision).toBe(1);
  });

  it('is 0 for a query whose positives are not in the list, and leaves out one that has none', () => {
    const { meanAveragePrecision: map, queries, meanPrecisionAt } = meanAveragePrecision([[1, 2], [1, 2]], [{ positives: [7] }, { positives: [] }]);
    expect([map, queries, meanPrecisionAt]).toEqual([0, 1, { 1: 0, 5: 0, 10: 0 }]);
    expect(meanAveragePrecision([[1]], [{ positives: [] }]).meanAveragePrecision).toBeNaN();
  });

  it('refuses lists that do not fit the queries', () => {
    expect(() => meanAveragePrecision([[1]], [])).toThrow(/1 ranked lists for 0 queries/);
    expect(() => meanAveragePrecision([[1]], [{ positives: [1] }], [0])).toThrow(/kappas name 0/);
  });
});

describe('globalAveragePrecision', () => {
  it('equals the definition, equal confidences in order of the queries', () => {
    const { predictions, confidences, labels, ...expected } = golden.met;
    const actual = globalAveragePrecision(predictions, confidences, labels);
    for (const name of ['gap', 'gapMinus', 'accuracy'] as const) expect(actual[name]).toBeCloseTo(expected[name], digits);
  });

  it('is lowered by a distractor that is answered with confidence, GAP− is not', () => {
    // Right at rank 2 of all, and at rank 1 of those with an answer.
    expect(globalAveragePrecision([1, 1], [0.9, 0.5], [-1, 1])).toEqual({ gap: 0.5, gapMinus: 1, accuracy: 1 });
  });

  it('refuses what has no answer', () => {
    expect(() => globalAveragePrecision([1], [1], [-1])).toThrow(/no query has a label/);
    expect(() => globalAveragePrecision([1, 2], [1, NaN], [1, 2])).toThrow(/query 1 is NaN/);
    expect(() => globalAveragePrecision([1, 2], [1], [1, 2])).toThrow(/2 predictions and 1 confidences for 2 labels/);
  });
});

describe('retrieve', () => {
  it('ranks all rows, or the first so many', async () => {
    const database = { data: Float32Array.of(0, 1, 1, 0, 1, 1), shape: [3, 2] };
    const queries = { data: Float32Array.of(2, 0, 0, 3), shape: [2, 2] };
    expect((await retrieve(queries, database)).ranks.map((list) => [...list])).toEqual([[1, 2, 0], [0, 2, 1]]);
    const { ranks, similarities } = await retrieve(queries, database, { k: 1 });
    expect(ranks.map((list) => [...list])).toEqual([[1], [0]]);
    expect(similarities.map((list) => [...list])).toEqual([[1], [1]]);
  });
});
