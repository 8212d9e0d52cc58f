import { classReport } from '@dinov2/evaluation';
import type { Details } from './schema';

const number = (value: number) => (Number.isFinite(value) ? value : null);

/** Images, recall, precision and the most frequent mistake of each class of which there is an image or a prediction. */
export function perClassDetails(predictions: ArrayLike<number>, truth: ArrayLike<number>, classes: readonly string[]): Details {
  return {
    unit: 'class',
    columns: ['images', 'recall', 'precision'],
    note: 'most often taken for',
    rows: classReport(predictions, truth, classes.length)
      .filter(({ support, precision }) => support > 0 || Number.isFinite(precision))
      .map(({ label, support, recall, precision, confusedWith }) => ({
        name: classes[label]!,
        values: [support, number(recall), number(precision)],
        note: confusedWith === undefined ? '' : `${classes[confusedWith.label]!} (${confusedWith.count})`,
      })),
  };
}
