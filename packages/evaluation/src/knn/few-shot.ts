import { createRandom } from '@dinov2/primitives';
import { EvaluationError } from '../error';
import { dimensions, type Features } from '../features';
import { accuracy } from '../metrics/accuracy';
import { knn, type KnnOptions } from './knn';

export interface FewShotOptions extends KnnOptions {
  /** Training rows per class. Default `[1, 2, 5, 10]`. */
  readonly perClass?: readonly number[];
  /** Draws of those rows, seeded 0, 1, …. Default 5. */
  readonly tries?: number;
}

/** Accuracy with few training rows per class. */
export interface FewShotScore {
  readonly perClass: number;
  readonly k: number;
  /** Mean over the tries. */
  readonly accuracy: number;
  /** (tries,) */
  readonly accuracies: readonly number[];
}

/**
 * Weighted nearest-neighbour accuracy with only n training rows of each class, drawn at random and averaged over
 * tries. For each n, the numbers of neighbours are those of `k` up to n, and n itself.
 *
 * Source: the few-shot option of DINOv2's k-NN evaluation. Its draws come from PyTorch's generator, so its numbers
 * for the same seeds differ by chance.
 *
 * @throws EvaluationError as {@link knn}, and when a class has fewer than n rows.
 */
export async function fewShotKnn(
  train: Features,
  trainLabels: ArrayLike<number>,
  test: Features,
  testLabels: ArrayLike<number>,
  { perClass = [1, 2, 5, 10], tries = 5, k = [10, 20, 100, 200], ...options }: FewShotOptions = {},
): Promise<FewShotScore[]> {
  const [rows, columns] = dimensions(train, 'train');
  if (trainLabels.length !== rows) throw new EvaluationError(`train has ${rows} rows but ${trainLabels.length} labels`);
  if (!Number.isInteger(tries) || tries < 1) throw new EvaluationError(`tries is ${tries}; expected a whole number from 1 up`);
  const classes = rowsByClass(trainLabels);
  const scores: FewShotScore[] = [];
  for (const n of perClass) {
    checkEnough(classes, n);
    const ks = [...new Set([...k.filter((count) => count <= n), n])];
    const accuracies = ks.map((): number[] => []);
    for (let attempt = 0; attempt < tries; attempt++) {
      const chosen = draw(classes, n, attempt);
      const data = new Float32Array(chosen.length * columns);
      chosen.forEach((row, i) => data.set(train.data.subarray(row * columns, (row + 1) * columns), i * columns));
      const labels = chosen.map((row) => trainLabels[row]!);
      const predictions = await knn({ data, shape: [chosen.length, columns] }, labels, test, { ...options, k: ks });
      predictions.forEach((prediction, i) => accuracies[i]!.push(accuracy(prediction.labels, testLabels)));
    }
    ks.forEach((count, i) => {
      const mean = accuracies[i]!.reduce((sum, value) => sum + value, 0) / tries;
      scores.push({ perClass: n, k: count, accuracy: mean, accuracies: accuracies[i]! });
    });
  }
  return scores;
}

/** Row numbers of each class, classes in the order of their labels. */
function rowsByClass(labels: ArrayLike<number>): [label: number, rows: number[]][] {
  const classes = new Map<number, number[]>();
  for (let row = 0; row < labels.length; row++) {
    const rows = classes.get(labels[row]!);
    if (rows) rows.push(row);
    else classes.set(labels[row]!, [row]);
  }
  return [...classes].sort(([a], [b]) => a - b);
}

function checkEnough(classes: readonly [label: number, rows: readonly number[]][], n: number): void {
  if (!Number.isInteger(n) || n < 1) throw new EvaluationError(`perClass names ${n}; expected whole numbers from 1 up`);
  const small = classes.find(([, rows]) => rows.length < n);
  if (small) {
    throw new EvaluationError(`label ${small[0]} has ${small[1].length} training rows and ${n} of each are asked for; leave ${n} out of perClass`);
  }
}

/** `n` rows of each class. */
function draw(classes: readonly [label: number, rows: readonly number[]][], n: number, seed: number): number[] {
  const random = createRandom(seed);
  return classes.flatMap(([, rows]) => Array.from(random.permutation(rows.length).subarray(0, n), (i) => rows[i]!));
}
