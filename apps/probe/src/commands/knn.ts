import { pickEngine } from '@dinov2/app-kit';
import { accuracy, fewShotKnn, knn } from '@dinov2/evaluation';
import { evaluate } from '../evaluate';
import type { EvaluationOptions } from '../inputs/common';
import { tableOf } from '../inputs/extract';
import { describeLabelledData, openLabelledData } from '../inputs/labelled-data';
import { withSearchProgress } from '../inputs/search-progress';
import { mistakeGallery } from '../report/mistake-gallery';
import { perClassDetails } from '../results/per-class';
import type { Metrics } from '../results/schema';

export interface KnnOptions extends EvaluationOptions {
  /** `PATH` of the test images, `NAME=PATH` of further ones. */
  readonly test: readonly string[];
  readonly k: readonly number[];
  readonly temperature: number;
  /** Also with only so many training images of each class. */
  readonly fewShot: readonly number[];
  /** Random choices of those. */
  readonly tries: number;
}

/** Weighted k-NN classification. */
export async function knnCommand(options: KnnOptions): Promise<void> {
  const { temperature, fewShot, tries } = options;
  const k = [...new Set(options.k)].sort((a, b) => a - b);
  // Classes and mistakes are told for the first that the user names.
  const [headline] = options.k;
  const data = openLabelledData(options.data, options.test);
  await evaluate(options, async () => ({
    command: 'knn',
    data: describeLabelledData(data),
    settings: { k: [...k], temperature, fewShot: [...fewShot], tries },
    async measure(subject) {
      const extractor = await subject.open({ classTokens: 1 });
      try {
        const train = await tableOf(extractor, data.train, 'training images', options);
        const features = train.classTokens();
        const labels = train.indices.map((i) => data.train.labels[i]!);
        const ks = usable(k, train.count);
        const { engine } = await pickEngine(options);
        const metrics: Metrics = {};
        let main: { k: number; labels: Int32Array; truth: Int32Array; indices: Int32Array } | undefined;
        for (const [i, { name, dataset }] of data.tests.entries()) {
          const table = await tableOf(extractor, dataset, `${name} images`, options);
          const prefix = i === 0 ? '' : `${name}: `;
          const truth = table.indices.map((index) => dataset.labels[index]!);
          const predictions = await withSearchProgress(`${subject.name}, search`, (onProgress) => knn(features, labels, table.classTokens(), { k: ks, temperature, engine, onProgress }));
          for (const p of predictions) metrics[`${prefix}top-1, k = ${p.k}`] = accuracy(p.labels, truth);
          main ??= { ...(predictions.find((p) => p.k === headline) ?? predictions[0]!), truth, indices: table.indices };
          const shots = await fewShotKnn(features, labels, table.classTokens(), truth, { perClass: fewShot, tries, k, temperature, engine });
          for (const shot of shots) metrics[`${prefix}top-1, k = ${shot.k}, ${shot.perClass} per class`] = shot.accuracy;
          await table.close();
        }
        await train.close();
        await engine.dispose();
        const { k: shownK, labels: predictions, truth, indices } = main!;
        return {
          metrics,
          details: perClassDetails(predictions, truth, data.train.classes),
          gallery: () => mistakeGallery(data.tests[0]!.dataset, indices, predictions, truth, { ...options, by: `k = ${shownK}` }),
        };
      } finally {
        await extractor.dispose();
      }
    },
  }));
}

/** The ks that there are enough images for, one at least. */
function usable(k: readonly number[], count: number): number[] {
  const fitting = k.filter((one) => one <= count);
  return fitting.length > 0 ? fitting : [1];
}
