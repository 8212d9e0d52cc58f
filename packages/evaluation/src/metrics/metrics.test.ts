import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import golden from '../../../../tests/golden/data/classification-metrics.json';
import { symmetric } from '../../../../tests/support/golden';
import { hashed } from '../../../../tests/support/hash';
import { accuracy, meanPerClassAccuracy, multiLabelAccuracy, topKAccuracy } from './accuracy';
import { classReport } from './class-report';
import { predictedClasses, type Scores } from './scores';

const rows = 90;
const classes = 7;
const labels = [...hashed(1, rows)].map((value) => value % (classes - 1));
const scores: Scores = {
  data: Float64Array.from(symmetric(2, rows * classes), (value, i) => value + (i % classes === labels[Math.floor(i / classes)] ? 0.3 : 0)),
  shape: [rows, classes],
};

describe('against scikit-learn', () => {
  const predicted = predictedClasses(scores);

  it('has the same accuracies', () => {
    expect(accuracy(predicted, labels)).toBe(golden.accuracy);
    for (const [k, value] of Object.entries(golden.topK)) expect(topKAccuracy(scores, labels, Number(k))).toBe(value);
    // A mean of six quotients, in another order.
    expect(meanPerClassAccuracy(predicted, labels)).toBeCloseTo(golden.balanced, 14);
  });

  it('counts a row of several labels as ImageNet-ReaL does', () => {
    const others = hashed(3, rows);
    const sets = labels.map((label, i) => (i % 5 === 0 ? [] : [label, others[i]! % classes]));
    for (const [k, value] of Object.entries(golden.real)) expect(multiLabelAccuracy(scores, sets, Number(k))).toBeCloseTo(value, 14);
  });

  it('reports each class', () => {
    for (const { label, support, recall, precision, confusedWith } of classReport(predicted, labels, classes)) {
      expect(support).toBe(golden.support[label]);
      if (support === 0) expect(recall).toBeNaN();
      else expect(recall).toBeCloseTo(golden.recall[label]!, 14);
      expect(precision).toBeCloseTo(golden.precision[label]!, 14);
      const wrong = golden.confusion[label]!.map((count, other) => (other === label ? 0 : count));
      const most = Math.max(...wrong);
      expect(confusedWith).toEqual(most === 0 ? undefined : { label: wrong.indexOf(most), count: most });
    }
  });
});

describe('metrics', () => {
  const tables = fc
    .record({ rows: fc.integer({ min: 1, max: 12 }), classes: fc.integer({ min: 1, max: 6 }) })
    .chain((size) =>
      fc.record({
        // Few values, so that scores are often equal.
        data: fc.array(fc.integer({ min: 0, max: 3 }), { minLength: size.rows * size.classes, maxLength: size.rows * size.classes }),
        labels: fc.array(fc.integer({ min: 0, max: size.classes - 1 }), { minLength: size.rows, maxLength: size.rows }),
        size: fc.constant(size),
      }),
    );

  it('agree with each other, ties included', () => {
    fc.assert(
      fc.property(tables, ({ data, labels, size }) => {
        const table = { data: Float32Array.from(data), shape: [size.rows, size.classes] };
        const predicted = predictedClasses(table);
        const top = Array.from({ length: size.classes }, (_, k) => topKAccuracy(table, labels, k + 1));
        expect(top[0]).toBe(accuracy(predicted, labels));
        expect(top.at(-1)).toBe(1);
        expect([...top].sort((a, b) => a - b)).toEqual(top);
        expect(multiLabelAccuracy(table, labels.map((label) => [label]))).toBe(top[0]);
        const report = classReport(predicted, labels, size.classes).filter(({ support }) => support > 0);
        expect(meanPerClassAccuracy(predicted, labels)).toBeCloseTo(report.reduce((sum, { recall }) => sum + recall, 0) / report.length, 12);
        expect(report.reduce((sum, { support, recall }) => sum + support * recall, 0)).toBeCloseTo(accuracy(predicted, labels) * size.rows, 9);
      }),
    );
  });

  it('count a row whose scores are not numbers as wrong', () => {
    const broken = { data: Float32Array.of(NaN, NaN, 0, 1), shape: [2, 2] };
    expect([...predictedClasses(broken)]).toEqual([-1, 1]);
    expect(topKAccuracy(broken, [0, 1], 2)).toBe(0.5);
    expect(classReport(predictedClasses(broken), [0, 1], 2)[0]).toMatchObject({ support: 1, recall: 0 });
  });

  it('say what does not fit', () => {
    const two = { data: Float32Array.of(0, 1, 1, 0), shape: [2, 2] };
    expect(() => topKAccuracy(two, [0], 1)).toThrow('2 rows of scores for 1 labels');
    expect(() => topKAccuracy(two, [0, 2], 1)).toThrow('label 2 of row 1 is not among the 2 classes');
    expect(() => topKAccuracy(two, [0, 1], 3)).toThrow('k is 3; expected a whole number between 1 and the 2 classes');
    expect(() => multiLabelAccuracy(two, [[], []])).toThrow('none of the 2 rows has a label');
    expect(() => multiLabelAccuracy(two, [[0]])).toThrow('2 rows of scores for 1 lists of labels');
    expect(() => predictedClasses({ ...two, shape: [4] })).toThrow('scores have shape (4) and hold 4 numbers');
    expect(() => classReport([0, 3], [0, 1], 2)).toThrow('prediction 1 is 3; expected a whole number from 0 to 1');
    expect(() => meanPerClassAccuracy([], [])).toThrow('0 predictions for 0 labels');
  });
});
