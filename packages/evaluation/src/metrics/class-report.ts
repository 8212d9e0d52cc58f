import { EvaluationError } from '../error';
import { checkCounts } from './accuracy';

/** How one class fares. */
export interface ClassReport {
  readonly label: number;
  /** Rows with this label. */
  readonly support: number;
  /** Share of them that is predicted as this class; not a number without any. */
  readonly recall: number;
  /** Share right among the rows predicted as this class; not a number without any. */
  readonly precision: number;
  /** The other class that rows with this label are most often predicted as, where there is one; of equal ones the smallest. */
  readonly confusedWith?: { readonly label: number; readonly count: number };
}

/**
 * Support, recall, precision and the most frequent confusion of each class from 0 to `classes - 1`.
 * A prediction of -1 stands for none.
 *
 * @throws EvaluationError when predictions and labels differ in number or one of them is not a class.
 *
 * @example
 * ```ts
 * const worst = classReport(predicted, labels, 100).sort((a, b) => a.recall - b.recall).slice(0, 10);
 * ```
 */
export function classReport(predictions: ArrayLike<number>, labels: ArrayLike<number>, classes: number): ClassReport[] {
  checkCounts(predictions, labels);
  /** Per label, how often each class was predicted: few of the classes² cells are used. */
  const confusions = Array.from({ length: classes }, () => new Map<number, number>());
  const predicted = new Float64Array(classes);
  const support = new Float64Array(classes);
  for (let i = 0; i < labels.length; i++) {
    const label = labels[i]!;
    const prediction = predictions[i]!;
    if (!isClass(label, classes)) throw new EvaluationError(`label ${i} is ${label}; expected a whole number from 0 to ${classes - 1}`);
    support[label]!++;
    if (prediction === -1) continue;
    if (!isClass(prediction, classes)) throw new EvaluationError(`prediction ${i} is ${prediction}; expected a whole number from 0 to ${classes - 1}`);
    predicted[prediction]!++;
    confusions[label]!.set(prediction, (confusions[label]!.get(prediction) ?? 0) + 1);
  }
  return confusions.map((row, label) => {
    const right = row.get(label) ?? 0;
    const [first] = [...row].filter(([other]) => other !== label).sort(([a, m], [b, n]) => n - m || a - b);
    return {
      label,
      support: support[label]!,
      recall: right / support[label]!,
      precision: right / predicted[label]!,
      ...(first === undefined ? {} : { confusedWith: { label: first[0], count: first[1] } }),
    };
  });
}

const isClass = (value: number, classes: number) => Number.isInteger(value) && value >= 0 && value < classes;
