import { pickEngine } from '@dinov2/app-kit';
import { accuracy, type Features, knn } from '@dinov2/evaluation';
import { createRandom } from '@dinov2/primitives';
import { evaluate } from '../evaluate';
import type { EvaluationOptions } from '../inputs/common';
import { tableOf } from '../inputs/extract';
import { describeLabelledData, openLabelledData } from '../inputs/labelled-data';
import { rowsOf } from '../inputs/rows';
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
  const { k, temperature, fewShot, tries, seed } = options;
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
        let main: { predictions: Int32Array; truth: Int32Array; indices: Int32Array } | undefined;
        for (const [i, { name, dataset }] of data.tests.entries()) {
          const table = await tableOf(extractor, dataset, `${name} images`, options);
          const prefix = i === 0 ? '' : `${name}: `;
          const truth = table.indices.map((index) => dataset.labels[index]!);
          const predictions = await knn(features, labels, table.classTokens(), { k: ks, temperature, engine });
          for (const p of predictions) metrics[`${prefix}top-1, k = ${p.k}`] = accuracy(p.labels, truth);
          main ??= { predictions: predictions[0]!.labels, truth, indices: table.indices };
          for (const n of fewShot) {
            const shots = await fewShotAccuracy(features, labels, table.classTokens(), truth, { n, tries, seed, k, temperature });
            for (const [shotK, value] of shots) metrics[`${prefix}top-1, k = ${shotK}, ${n} per class`] = value;
          }
          await table.close();
        }
        await train.close();
        await engine.dispose();
        const { predictions, truth, indices } = main!;
        return {
          metrics,
          details: perClassDetails(predictions, truth, data.train.classes),
          gallery: () => mistakeGallery(data.tests[0]!.dataset, indices, predictions, truth, options),
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

/**
 * Accuracy by k with `n` random training images of each class, mean over tries. As the protocol has it,
 * the ks are those up to `n`, and `n` itself.
 */
async function fewShotAccuracy(
  train: Features,
  labels: Int32Array,
  test: Features,
  truth: Int32Array,
  { n, tries, seed, k, temperature }: { n: number; tries: number; seed: number; k: readonly number[]; temperature: number },
): Promise<Map<number, number>> {
  const ks = [...new Set([...k.filter((one) => one <= n), n])];
  const sums = new Map<number, number>();
  for (let attempt = 0; attempt < tries; attempt++) {
    const rows = drawPerClass(labels, n, seed + attempt);
    const possible = ks.filter((one) => one <= rows.length);
    const predictions = await knn(rowsOf(train, rows), rows.map((row) => labels[row]!), test, { k: possible, temperature });
    for (const p of predictions) sums.set(p.k, (sums.get(p.k) ?? 0) + accuracy(p.labels, truth) / tries);
  }
  return sums;
}

/** Row numbers, ascending, of up to `n` random rows of each label. */
function drawPerClass(labels: Int32Array, n: number, seed: number): Int32Array {
  const order = createRandom(seed).permutation(labels.length);
  const counts = new Map<number, number>();
  return order
    .filter((row) => {
      const count = counts.get(labels[row]!) ?? 0;
      counts.set(labels[row]!, count + 1);
      return count < n;
    })
    .sort();
}
