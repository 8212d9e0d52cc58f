import { EvaluationError } from '../error';
import { rankOf, scoreDimensions, type Scores } from './scores';

/**
 * Share of predictions that equal the label (top-1, every row counts the same).
 *
 * @throws EvaluationError when there is not one prediction for each of at least one label.
 */
export function accuracy(predictions: ArrayLike<number>, labels: ArrayLike<number>): number {
  checkCounts(predictions, labels);
  let correct = 0;
  for (let i = 0; i < labels.length; i++) if (predictions[i] === labels[i]) correct++;
  return correct / labels.length;
}

/**
 * Share of rows whose label is among the `k` classes with the highest scores (every row counts the same).
 * Of equal scores the class with the smaller number comes first.
 *
 * @throws EvaluationError when rows and labels differ in number, a label is not a class, or `k` is not from 1 to the classes.
 */
export function topKAccuracy(scores: Scores, labels: ArrayLike<number>, k: number): number {
  const [rows, classes] = scoreDimensions(scores);
  checkK(k, classes);
  if (rows !== labels.length) throw new EvaluationError(`${rows} rows of scores for ${labels.length} labels; expected one row for each label`);
  let correct = 0;
  for (let row = 0; row < rows; row++) {
    const label = labels[row]!;
    checkClass(label, row, classes);
    if (rankOf(scores, row, classes, label) < k) correct++;
  }
  return correct / rows;
}

/**
 * Mean over the classes that occur in `labels` of the share of their rows that is predicted right: scikit-learn's
 * balanced accuracy.
 *
 * @throws EvaluationError when there is not one prediction for each of at least one label.
 */
export function meanPerClassAccuracy(predictions: ArrayLike<number>, labels: ArrayLike<number>): number {
  checkCounts(predictions, labels);
  const classes = new Map<number, { rows: number; correct: number }>();
  for (let i = 0; i < labels.length; i++) {
    const counts = classes.get(labels[i]!) ?? { rows: 0, correct: 0 };
    counts.rows++;
    if (predictions[i] === labels[i]) counts.correct++;
    classes.set(labels[i]!, counts);
  }
  let sum = 0;
  for (const { rows, correct } of classes.values()) sum += correct / rows;
  return sum / classes.size;
}

/**
 * ImageNet-ReaL's accuracy: a row is right when one of its labels is among the `k` classes with the highest scores;
 * rows without labels do not count (Beyer et al. 2020, "Are we done with ImageNet?").
 *
 * @param labelSets - the labels of each row; an empty list for none.
 * @throws EvaluationError when rows differ in number, a label is not a class, `k` is not from 1 to the classes, or no row has a label.
 */
export function multiLabelAccuracy(scores: Scores, labelSets: readonly (readonly number[])[], k = 1): number {
  const [rows, classes] = scoreDimensions(scores);
  checkK(k, classes);
  if (rows !== labelSets.length) throw new EvaluationError(`${rows} rows of scores for ${labelSets.length} lists of labels; expected one row for each`);
  let counted = 0;
  let correct = 0;
  for (const [row, labels] of labelSets.entries()) {
    for (const label of labels) checkClass(label, row, classes);
    if (labels.length === 0) continue;
    counted++;
    if (labels.some((label) => rankOf(scores, row, classes, label) < k)) correct++;
  }
  if (counted === 0) throw new EvaluationError(`none of the ${rows} rows has a label; check that the labels belong to these images`);
  return correct / counted;
}

/** Throws unless there is one prediction for each of at least one label. */
export function checkCounts(predictions: ArrayLike<number>, labels: ArrayLike<number>): void {
  if (predictions.length !== labels.length || labels.length === 0) {
    throw new EvaluationError(
      `${predictions.length} predictions for ${labels.length} labels; expected one prediction for each of at least one label`,
    );
  }
}

function checkK(k: number, classes: number): void {
  if (!Number.isInteger(k) || k < 1 || k > classes) {
    throw new EvaluationError(`k is ${k}; expected a whole number between 1 and the ${classes} classes`);
  }
}

function checkClass(label: number, row: number, classes: number): void {
  if (!Number.isInteger(label) || label < 0 || label >= classes) {
    throw new EvaluationError(`label ${label} of row ${row} is not among the ${classes} classes; labels are whole numbers from 0 to ${classes - 1}`);
  }
}
