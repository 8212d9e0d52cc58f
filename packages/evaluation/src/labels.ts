import { EvaluationError } from './error';
import type { Features } from './features';

/** Throws unless `labels` are `rows` whole numbers from 0 to `classes - 1`. */
export function checkLabels(labels: ArrayLike<number>, rows: number, classes: number, name: string): void {
  if (labels.length !== rows) throw new EvaluationError(`${name} has ${rows} rows but ${labels.length} labels; expected one label for each row`);
  for (let i = 0; i < labels.length; i++) {
    const label = labels[i]!;
    if (!Number.isInteger(label) || label < 0 || label >= classes) {
      throw new EvaluationError(`label ${i} of ${name} is ${label}; labels are whole numbers from 0 to ${classes - 1}, the last of ${classes} classes`);
    }
  }
}

/** Number of classes of labels that count from 0: the largest whole number and 1. */
export function classCount(labels: ArrayLike<number>): number {
  let largest = -1;
  for (let i = 0; i < labels.length; i++) if (Number.isInteger(labels[i])) largest = Math.max(largest, labels[i]!);
  return largest + 1;
}

/** Rows of each class. */
export function countLabels(labels: ArrayLike<number>, classes: number): Int32Array {
  const counts = new Int32Array(classes);
  for (let i = 0; i < labels.length; i++) counts[labels[i]!]!++;
  return counts;
}

/** Throws on a row with NaN or an infinity. */
export function checkFinite({ data, shape }: Features, name: string): void {
  const at = data.findIndex((value) => !Number.isFinite(value));
  if (at === -1) return;
  const columns = shape[1]!;
  throw new EvaluationError(
    `column ${at % columns} of row ${Math.floor(at / columns)} of ${name} is ${data[at]}; check that image and the model that made the features for a diverged run`,
  );
}
