import { createProgress } from '@dinov2/app-kit';
import { logisticGrid, logisticRegression, logisticScores, predictedClasses } from '@dinov2/evaluation';
import { join } from 'node:path';
import { evaluate } from '../evaluate';
import type { EvaluationOptions } from '../inputs/common';
import { tableOf } from '../inputs/extract';
import { describeLabelledData, openLabelledData } from '../inputs/labelled-data';
import { mistakeGallery } from '../report/mistake-gallery';
import { perClassDetails } from '../results/per-class';
import type { Metrics } from '../results/schema';
import { scoreMetrics } from '../results/score-metrics';
import { writeHead } from '../results/write-head';

export interface LogisticOptions extends EvaluationOptions {
  readonly test: readonly string[];
  /** Values of C; the protocol's 45 by default. */
  readonly c?: readonly number[];
  /** Share of the training images that C is chosen on. */
  readonly validation: number;
}

/** Multinomial logistic regression on class tokens as they are. */
export async function logisticCommand(options: LogisticOptions): Promise<void> {
  const data = openLabelledData(options.data, options.test);
  const { c: cs = logisticGrid, validation, seed, workers } = options;
  await evaluate(options, async () => ({
    command: 'logistic',
    // The protocol resizes pictures to the very size of the crop.
    tight: true,
    data: describeLabelledData(data),
    settings: { c: [...cs], validation },
    async measure(subject) {
      const extractor = await subject.open({ classTokens: 1 });
      const [train, ...tables] = await (async () => {
        try {
          const first = await tableOf(extractor, data.train, 'training images', options);
          const others = [];
          for (const { name, dataset } of data.tests) others.push(await tableOf(extractor, dataset, `${name} images`, options));
          return [first, ...others] as const;
        } finally {
          await extractor.dispose();
        }
      })();
      const progress = createProgress({ total: cs.length + 1, unit: 'fits', label: `${subject.name}, fit` });
      const model = await logisticRegression(
        train.classTokens(),
        train.indices.map((index) => data.train.labels[index]!),
        {
          cs,
          validation,
          classes: data.train.classes.length,
          seed,
          ...(workers !== undefined && { threads: workers }),
          onProgress: ({ done }) => progress.update(done),
        },
      ).finally(() => progress.end());
      const metrics: Metrics = {};
      const scores = tables.map((table, i) => {
        const one = logisticScores(model, table.classTokens());
        const { name, dataset } = data.tests[i]!;
        Object.assign(metrics, scoreMetrics(one, table.indices, dataset, i === 0 ? '' : `${name}: `));
        return one;
      });
      const main = data.tests[0]!.dataset;
      const { indices } = tables[0]!;
      const truth = indices.map((index) => main.labels[index]!);
      const predictions = predictedClasses(scores[0]!);
      await Promise.all([train, ...tables].map((table) => table.close()));
      const float32 = (values: Float64Array) => Float32Array.from(values);
      return {
        metrics,
        chosen: { C: model.c },
        details: perClassDetails(predictions, truth, main.classes),
        curves: [
          {
            title: 'accuracy on the validation share',
            unit: 'log₁₀ C',
            at: model.candidates.map(({ c }) => Number(Math.log10(c).toFixed(4))),
            series: [{ name: 'accuracy', values: model.candidates.map(({ validationAccuracy = null }) => validationAccuracy) }],
          },
        ],
        gallery: () => mistakeGallery(main, indices, predictions, truth, options),
        write: (folder) =>
          writeHead(
            join(folder, 'head.safetensors'),
            { weight: { data: float32(model.weights.data), shape: model.weights.shape }, bias: { data: float32(model.bias), shape: [model.bias.length] } },
            { command: 'logistic', c: model.c, classes: main.classes },
          ),
      };
    },
  }));
}
