import { createRandom } from '@dinov2/primitives';
import { describe, expect, it } from 'vitest';
import { fewShotKnn } from '../index';

const random = createRandom(2);
const centres = [[9, 0], [0, 9], [-9, -9]] as const;
const points = (perClass: number, noise: number) => {
  const labels = Array.from({ length: 3 * perClass }, (_, i) => i % 3);
  const data = Float32Array.from(labels.flatMap((label) => centres[label]!.map((x) => x + noise * random.normal())));
  return { features: { data, shape: [labels.length, 2] }, labels };
};

describe('fewShotKnn', () => {
  it('uses the ks up to n, and n itself', async () => {
    const train = points(12, 1);
    const test = points(5, 1);
    const scores = await fewShotKnn(train.features, train.labels, test.features, test.labels, { perClass: [1, 4], k: [1, 3, 10], tries: 2 });
    expect(scores.map(({ perClass, k }) => [perClass, k])).toEqual([[1, 1], [4, 1], [4, 3], [4, 4]]);
    // Directions 90 degrees and more apart, noise of a ninth of their length.
    for (const { accuracy, accuracies } of scores) expect([accuracy, accuracies]).toEqual([1, [1, 1]]);
  });

  it('averages over draws that differ', async () => {
    const train = points(30, 9);
    const test = points(30, 9);
    const [score] = await fewShotKnn(train.features, train.labels, test.features, test.labels, { perClass: [1], k: [], tries: 4 });
    expect(new Set(score!.accuracies).size).toBeGreaterThan(1);
    expect(score!.accuracy).toBeCloseTo(score!.accuracies.reduce((a, b) => a + b) / 4, 12);
    expect(await fewShotKnn(train.features, train.labels, test.features, test.labels, { perClass: [1], k: [], tries: 4 })).toEqual([score]);
  });

  it('with all rows of each class is k-NN itself', async () => {
    const train = points(6, 5);
    const { knn, accuracy } = await import('../index');
    const [whole] = await knn(train.features, train.labels, train.features, { k: [6] });
    const [score] = await fewShotKnn(train.features, train.labels, train.features, train.labels, { perClass: [6], k: [], tries: 1 });
    expect(score!.accuracy).toBe(accuracy(whole!.labels, train.labels));
  });

  it('says which label has too few rows', async () => {
    const { features } = points(1, 1);
    await expect(fewShotKnn(features, [0, 0, 7], features, [0, 0, 7], { perClass: [2] })).rejects.toThrow(/label 7 has 1 training rows and 2 of each/);
  });
});
