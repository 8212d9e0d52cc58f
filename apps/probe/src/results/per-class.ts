import type { Details } from './schema';

/** Images, recall, precision and F1 of each class, where there is an image of it or a prediction. */
export function perClassDetails(predictions: ArrayLike<number>, truth: ArrayLike<number>, classes: readonly string[]): Details {
  const count = new Float64Array(classes.length);
  const predicted = new Float64Array(classes.length);
  const right = new Float64Array(classes.length);
  for (let i = 0; i < truth.length; i++) {
    count[truth[i]!]!++;
    predicted[predictions[i]!]!++;
    if (predictions[i] === truth[i]) right[truth[i]!]!++;
  }
  const share = (part: number, whole: number) => (whole === 0 ? null : part / whole);
  return {
    unit: 'class',
    columns: ['images', 'recall', 'precision', 'F1'],
    rows: classes.flatMap((name, c) =>
      count[c] === 0 && predicted[c] === 0
        ? []
        : [{ name, values: [count[c]!, share(right[c]!, count[c]!), share(right[c]!, predicted[c]!), share(2 * right[c]!, count[c]! + predicted[c]!)] }],
    ),
  };
}
