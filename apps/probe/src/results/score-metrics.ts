import type { Dataset } from '@dinov2/data';
import { accuracy, meanPerClassAccuracy, multiLabelAccuracy, predictedClasses, type Scores, topKAccuracy } from '@dinov2/evaluation';
import type { Metrics } from './schema';

/** Accuracies of class scores: top-1, top-5 where there are more classes, mean per class, and ReaL where images have several. */
export function scoreMetrics(scores: Scores, indices: Int32Array, { labels, multiLabels, classes }: Dataset, prefix = ''): Metrics {
  const truth = indices.map((index) => labels[index]!);
  const predictions = predictedClasses(scores);
  return {
    [`${prefix}top-1`]: accuracy(predictions, truth),
    ...(classes.length > 5 && { [`${prefix}top-5`]: topKAccuracy(scores, truth, 5) }),
    [`${prefix}mean per class`]: meanPerClassAccuracy(predictions, truth),
    ...(multiLabels && { [`${prefix}ReaL`]: multiLabelAccuracy(scores, Array.from(indices, (index) => multiLabels[index]!)) }),
  };
}
