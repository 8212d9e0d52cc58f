import { onnxEngine } from '@dinov2/engine-onnx';
import { afterAll, describe, expect, it } from 'vitest';
import golden from '../../../../tests/golden/evaluation.json';
import byScikitLearn from './knn.golden.json';
import { EvaluationError, type Features, knn, searchNeighbours } from '../index';

const matrix = (rows: number[][]): Features => ({
  data: Float32Array.from(rows.flat()),
  shape: [rows.length, rows[0]?.length ?? 0],
});
const train = matrix(golden.knn.train.data);
const test = matrix(golden.knn.test.data);

describe('knn against numpy', () => {
  it('predicts the same labels for every k', async () => {
    const predictions = await knn(train, golden.knn.train.labels, test, { k: golden.knn.ks });
    for (const { k, labels } of predictions) {
      expect([...labels]).toEqual(golden.knn.predictions[String(k) as keyof typeof golden.knn.predictions]);
    }
  });

  it('finds the same neighbours', async () => {
    const { indices, similarities } = await searchNeighbours(test, train, 5);
    expect([...indices]).toEqual(golden.knn.neighbours.flat());
    // Both sides are float32 features; the golden is rounded to seven places.
    golden.knn.similarities.flat().forEach((value, i) => expect(similarities[i]).toBeCloseTo(value, 5));
  });
});

describe('knn against scikit-learn', () => {
  const engine = onnxEngine();
  afterAll(() => engine.dispose());

  it.each([['plain', {}], ['ONNX Runtime', { engine }]])('predicts the same labels, %s', async (_name, options) => {
    const k = Object.keys(byScikitLearn.predictions).map(Number);
    const predictions = await knn(matrix(byScikitLearn.train), byScikitLearn.trainLabels, matrix(byScikitLearn.test), { k, ...options });
    expect(Object.fromEntries(predictions.map((prediction) => [prediction.k, [...prediction.labels]]))).toEqual(byScikitLearn.predictions);
  });
});

describe('knn', () => {
  // Unit vectors at 0, 90 and 10 degrees; the query is at 4 degrees.
  const angle = (degrees: number) => [Math.cos((degrees * Math.PI) / 180), Math.sin((degrees * Math.PI) / 180)];
  const three = matrix([angle(0), angle(90), angle(10)]);
  const query = matrix([angle(4)]);

  it('lets the nearest one decide at k = 1 and weights decide at larger k', async () => {
    // similarities cos 4 = .9976, cos 6 = .9945, cos 86 = .0698: label 1 has one vote of
    // exp(-.0031/.07) = .957 and another of exp(-13.3), label 0 has one vote of 1.
    const [one, all] = await knn(three, [0, 1, 1], query, { k: [1, 3] });
    expect(one!.labels[0]).toBe(0);
    expect(all!.labels[0]).toBe(0);
    // At temperature 100 all three votes are nearly equal, so two beat one.
    expect((await knn(three, [0, 1, 1], query, { k: [3], temperature: 100 }))[0]!.labels[0]).toBe(1);
  });

  it('gives the smaller label when votes are equal', async () => {
    const twins = matrix([[1, 0], [1, 0]]);
    expect((await knn(twins, [3, 2], matrix([[2, 0]]), { k: [2] }))[0]!.labels[0]).toBe(2);
  });

  it('answers in the order the ks were asked for', async () => {
    expect((await knn(three, [0, 1, 1], query, { k: [3, 1, 2] })).map((p) => p.k)).toEqual([3, 1, 2]);
  });

  it('does not depend on the length of the rows, and bears a row of zeros', async () => {
    const scaled = matrix([[0, 0], angle(90).map((x) => x * 1e6), angle(10).map((x) => x * 1e-6)]);
    expect((await knn(scaled, [0, 1, 2], query, { k: [1] }))[0]!.labels[0]).toBe(2);
  });

  it.each([
    ['more neighbours than training rows', () => knn(three, [0, 1, 1], query, { k: [4] }), /k is 4.*between 1 and the 3 training rows/],
    ['labels of another length', () => knn(three, [0, 1], query, { k: [1] }), /3 rows but 2 labels/],
    ['a fractional label', () => knn(three, [0, 1, 1.5], query, { k: [1] }), /label 2 is 1.5/],
    ['a temperature of zero', () => knn(three, [0, 1, 1], query, { k: [1], temperature: 0 }), /temperature is 0/],
    ['another width', () => knn(three, [0, 1, 1], matrix([[1, 2, 3]]), { k: [1] }), /3 columns and database has 2/],
    ['a NaN', () => knn(matrix([[1, NaN]]), [0], query, { k: [1] }), /row 0 of database is not finite/],
    ['no k', () => knn(three, [0, 1, 1], query, { k: [] }), /k is an empty list/],
    ['a shape that does not fit', () => knn({ data: new Float32Array(5), shape: [2, 2] }, [0, 1], query, { k: [1] }), /holds 5 numbers/],
  ])('refuses %s', async (_name, run, message) => {
    await expect(run()).rejects.toThrow(EvaluationError);
    await expect(run()).rejects.toThrow(message);
  });
});
