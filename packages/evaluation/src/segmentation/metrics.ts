import { EvaluationError } from '../error';
import { ignoredLabel } from './augmentation';

/** Counts of pixels by true class (row) and predicted class (column), (classes, classes). */
export interface ConfusionMatrix {
  readonly classes: number;
  readonly counts: Float64Array;
}

/** What a confusion matrix says. Classes that neither occur nor are predicted have NaN and stay out of the means. */
export interface SegmentationScores {
  /** Mean of the classes' intersection over union. */
  readonly meanIoU: number;
  /** Mean of the classes' share of pixels that are found. */
  readonly meanAccuracy: number;
  /** Share of all labelled pixels that are right (aAcc). */
  readonly pixelAccuracy: number;
  /** (classes,) */
  readonly iou: Float64Array;
  readonly accuracy: Float64Array;
  /** Labelled pixels of each class. */
  readonly pixels: Float64Array;
}

export function createConfusion(classes: number): ConfusionMatrix {
  return { classes, counts: new Float64Array(classes * classes) };
}

/**
 * Count the labelled pixels of one picture. 255 is not counted.
 *
 * @throws EvaluationError when lengths differ, or a label or a prediction is no class.
 */
export function countPixels({ classes, counts }: ConfusionMatrix, predicted: ArrayLike<number>, truth: ArrayLike<number>): void {
  if (predicted.length !== truth.length) {
    throw new EvaluationError(`${predicted.length} predicted pixels for ${truth.length} labels; bring them to one size first`);
  }
  for (let i = 0; i < truth.length; i++) {
    const [label, guess] = [truth[i]!, predicted[i]!];
    if (label === ignoredLabel) continue;
    if (!(label >= 0 && label < classes && guess >= 0 && guess < classes)) {
      throw new EvaluationError(`pixel ${i} has label ${label} and prediction ${guess}; there are ${classes} classes, from 0`);
    }
    counts[label * classes + guess]!++;
  }
}

/** Mean intersection over union, accuracies, and both for each class. */
export function segmentationScores({ classes, counts }: ConfusionMatrix): SegmentationScores {
  const found = new Float64Array(classes);
  const pixels = new Float64Array(classes);
  const predicted = new Float64Array(classes);
  for (let row = 0; row < classes; row++) {
    for (let column = 0; column < classes; column++) {
      const count = counts[row * classes + column]!;
      pixels[row]! += count;
      predicted[column]! += count;
      if (row === column) found[row] = count;
    }
  }
  const iou = found.map((count, c) => count / (pixels[c]! + predicted[c]! - count));
  const accuracy = found.map((count, c) => count / pixels[c]!);
  const total = pixels.reduce((a, b) => a + b, 0);
  return {
    meanIoU: meanOfNumbers(iou),
    meanAccuracy: meanOfNumbers(accuracy),
    pixelAccuracy: found.reduce((a, b) => a + b, 0) / total,
    iou,
    accuracy,
    pixels,
  };
}

function meanOfNumbers(values: Float64Array): number {
  const present = values.filter((value) => !Number.isNaN(value));
  return present.reduce((a, b) => a + b, 0) / present.length;
}
