import { EvaluationError } from '../error';
import { dimensions, type Features } from '../features';
import { searchNeighbours, type SearchOptions } from '../search/search-neighbours';

export interface KnnOptions extends SearchOptions {
  /** Neighbours that vote. Several values share one search. Default `[10, 20, 100, 200]`. */
  readonly k?: readonly number[];
  /** Divides the similarities before the softmax that makes the votes. Default 0.07. */
  readonly temperature?: number;
}

/** What k-NN says of each test row for one value of k. */
export interface KnnPrediction {
  readonly k: number;
  /** (test rows,) predicted label. */
  readonly labels: Int32Array;
}

/**
 * Weighted nearest-neighbour classification of `test` (N, D) by `train` (M, D) with labels (M,).
 *
 * Rows are scaled to unit length; the `k` nearest training rows vote with weight
 * softmax(similarity / temperature). The softmax runs over the largest k of the list, and smaller
 * ones use a prefix of the same weights, which leaves every prediction as it is.
 * Of labels with equal votes the smallest wins.
 *
 * Source: Wu et al. 2018, and the k-NN protocol of DINO and DINOv2.
 *
 * @throws EvaluationError when rows, columns and labels do not fit together, a `k` is larger than M,
 * or a label is not a whole number from 0 up.
 *
 * @example
 * ```ts
 * const [one] = await knn(train, trainLabels, test, { k: [1] });
 * accuracy(one.labels, testLabels);
 * ```
 */
export async function knn(
  train: Features,
  trainLabels: ArrayLike<number>,
  test: Features,
  { k: ks = [10, 20, 100, 200], temperature = 0.07, ...search }: KnnOptions = {},
): Promise<KnnPrediction[]> {
  const [trainRows] = dimensions(train, 'train');
  const [testRows] = dimensions(test, 'test');
  if (trainLabels.length !== trainRows) {
    throw new EvaluationError(`train has ${trainRows} rows but ${trainLabels.length} labels`);
  }
  if (!(temperature > 0)) {
    throw new EvaluationError(`temperature is ${temperature}; expected a positive number, such as 0.07`);
  }
  if (ks.length === 0) throw new EvaluationError('k is an empty list; name at least one number of neighbours');
  for (const k of ks) {
    if (!Number.isInteger(k) || k < 1 || k > trainRows) {
      throw new EvaluationError(`k is ${k}; expected a whole number between 1 and the ${trainRows} training rows`);
    }
  }
  const classes = classCount(trainLabels);
  const largest = Math.max(...ks);
  const { indices, similarities } = await searchNeighbours(test, train, largest, search);

  const predictions = ks.map((k) => ({ k, labels: new Int32Array(testRows) }));
  const ascending = [...predictions].sort((a, b) => a.k - b.k);
  const votes = new Float64Array(classes);
  for (let row = 0; row < testRows; row++) {
    votes.fill(0);
    const start = row * largest;
    let counted = 0;
    for (const { k, labels } of ascending) {
      for (; counted < k; counted++) {
        // exp((s - s_max) / temperature); the common denominator of the softmax does not move the maximum.
        const weight = Math.exp((similarities[start + counted]! - similarities[start]!) / temperature);
        votes[trainLabels[indices[start + counted]!]!]! += weight;
      }
      labels[row] = argMax(votes);
    }
  }
  return predictions;
}

function classCount(labels: ArrayLike<number>): number {
  let largest = -1;
  for (let i = 0; i < labels.length; i++) {
    const label = labels[i]!;
    if (!Number.isInteger(label) || label < 0) {
      throw new EvaluationError(`label ${i} is ${label}; labels are whole numbers from 0 up`);
    }
    largest = Math.max(largest, label);
  }
  return largest + 1;
}

function argMax(values: Float64Array): number {
  let best = 0;
  for (let i = 1; i < values.length; i++) if (values[i]! > values[best]!) best = i;
  return best;
}
