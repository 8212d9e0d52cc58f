import { join } from 'node:path';
import { pickEngine } from '@dinov2/app-kit';
import {
  evaluateLinear,
  type FeatureRows,
  type LinearBatch,
  linearLearningRates,
  linearScores,
  orderedBatches,
  predictedClasses,
  shuffledBatches,
  trainLinear,
} from '@dinov2/evaluation';
import type { Extractor, FeatureTable } from '@dinov2/features';
import { evaluate } from '../evaluate';
import { augmentedBatches } from '../inputs/augmented-batches';
import type { EvaluationOptions } from '../inputs/common';
import { tableOf } from '../inputs/extract';
import { HeadCheckpoint } from '../inputs/head-checkpoint';
import { describeLabelledData, openLabelledData } from '../inputs/labelled-data';
import { TrainingProgress } from '../inputs/training-progress';
import { mistakeGallery } from '../report/mistake-gallery';
import { csvLines } from '../results/csv';
import { writeText } from '../results/files';
import { perClassDetails } from '../results/per-class';
import type { Metrics } from '../results/schema';
import { scoreMetrics } from '../results/score-metrics';
import { writeHead } from '../results/write-head';

export interface LinearOptions extends EvaluationOptions {
  readonly test: readonly string[];
  /** Numbers of last blocks whose class tokens go in. */
  readonly blocks: readonly number[];
  readonly avgpool: readonly boolean[];
  /** Before scaling by batch / 256; the protocol's 13 by default. */
  readonly learningRates?: readonly number[];
  readonly iterations: number;
  readonly batchSize: number;
  /** New crops in every iteration, through the network, as the protocol has it. */
  readonly augment: boolean;
}

/** Iterations between saves: an iteration takes milliseconds. */
const CHECKPOINT_EVERY = 1000;

/** The grid of linear classifiers, trained at once. */
export async function linearCommand(options: LinearOptions): Promise<void> {
  const { blocks, avgpool, learningRates = linearLearningRates, iterations, batchSize, augment, seed, autoOrient } = options;
  const data = openLabelledData(options.data, options.test);
  const { engine } = await pickEngine(options);
  const most = Math.max(...blocks);
  await evaluate(options, async () => ({
    command: 'linear',
    data: describeLabelledData(data),
    settings: { blocks: [...blocks], avgpool: [...avgpool], learningRates: [...learningRates], iterations, batchSize, augment, selection: 'highest top-1 on the first test set' },
    async measure(subject) {
      const taken = Math.min(most, subject.config.depth);
      const extractor = await subject.open({ classTokens: taken, meanPatch: avgpool.includes(true) });
      const progress = new TrainingProgress(subject.name);
      const settings = { classes: data.train.classes.length, blocks, avgpool, learningRates, iterations, batchSize, seed };
      const checkpoint = new HeadCheckpoint(options.cache, ['linear', extractor.key, subject.preprocessing, autoOrient === true, data.train.paths, [...data.train.labels], augment, settings], ['parameters', 'momenta']);
      const rowsOf = (table: FeatureTable): FeatureRows => ({
        classTokens: Array.from({ length: taken }, (_, i) => table.classTokens(taken - i)),
        ...(avgpool.includes(true) && { meanPatch: table.meanPatches() }),
      });
      try {
        const trained = await trainLinear(await trainingBatches(extractor, rowsOf), {
          ...settings,
          engine,
          onProgress: progress.onProgress,
          onCheckpoint: (state) => checkpoint.write(state),
          checkpointEvery: CHECKPOINT_EVERY,
          resume: await unfinished(checkpoint, iterations),
        });
        progress.end();
        const metrics: Metrics = {};
        let main: Omit<Parameters<typeof report>[0], 'trained'> | undefined;
        for (const [i, { name, dataset }] of data.tests.entries()) {
          const table = await tableOf(extractor, dataset, `${name} images`, options);
          const rows = rowsOf(table);
          const truth = table.indices.map((index) => dataset.labels[index]!);
          // The protocol selects the head on the very set that it reports.
          const evaluation = main?.evaluation ?? (await evaluateLinear(trained, orderedBatches({ ...rows, labels: truth }), { engine }));
          const scores = await linearScores(evaluation.best, orderedBatches(rows), { engine });
          Object.assign(metrics, scoreMetrics(scores, table.indices, dataset, i === 0 ? '' : `${name}: `));
          main ??= { evaluation, truth, predictions: predictedClasses(scores), indices: table.indices };
          await table.close();
        }
        checkpoint.remove();
        return { metrics, ...report({ ...main!, trained }) };
      } finally {
        progress.end();
        await extractor.dispose();
      }

      async function trainingBatches(source: Extractor, rows: typeof rowsOf): Promise<(iteration: number) => Promise<LinearBatch>> {
        if (augment) return augmentedBatches(source, data.train, subject.preprocessing, { batchSize, seed, autoOrient });
        const table = await tableOf(source, data.train, 'training images', options);
        const batches = shuffledBatches({ ...rows(table), labels: table.indices.map((index) => data.train.labels[index]!) }, { batchSize, seed });
        await table.close();
        return batches;
      }

      function report({ evaluation, truth, predictions, indices, trained }: {
        evaluation: Awaited<ReturnType<typeof evaluateLinear>>;
        truth: Int32Array;
        predictions: Int32Array;
        indices: Int32Array;
        trained: Awaited<ReturnType<typeof trainLinear>>;
      }) {
        const { best, heads } = evaluation;
        const dataset = data.tests[0]!.dataset;
        const inputs = trained.groups.map((group) => ({ name: `${group.blocks} block${group.blocks === 1 ? '' : 's'}${group.avgpool ? ' + mean patch' : ''}`, heads: heads.filter((head) => head.blocks === group.blocks && head.avgpool === group.avgpool) }));
        return {
          chosen: { head: best.name, blocks: best.blocks, avgpool: best.avgpool, learningRate: best.learningRate, ...(trained.notes.length > 0 && { notes: [...trained.notes] }) },
          details: perClassDetails(predictions, truth, dataset.classes),
          curves: [
            { title: 'top-1 by learning rate', unit: 'log₁₀ learning rate', at: learningRates.map((rate) => Number(Math.log10(rate).toFixed(4))), series: inputs.map(({ name, heads: members }) => ({ name, values: members.map(({ top1 }) => top1) })) },
            ...progress.curves(),
          ],
          gallery: () => mistakeGallery(dataset, indices, predictions, truth, options),
          async write(folder: string) {
            await writeHead(
              join(folder, 'head.safetensors'),
              { weight: best.weight, bias: { data: best.bias, shape: [best.bias.length] } },
              { command: 'linear', head: best.name, blocks: best.blocks, avgpool: best.avgpool, classes: dataset.classes },
            );
            writeText(join(folder, 'heads.csv'), csvLines([['head', 'top-1', 'top-5', 'mean per class'], ...heads.map(({ name, top1, top5, meanPerClass }) => [name, top1, top5, meanPerClass])]));
          },
        };
      }
    },
  }));
  await engine.dispose();
}

/** What was saved of a training that was stopped; one that had finished starts anew. */
async function unfinished<T extends { iteration: number }>(checkpoint: { read(): Promise<T | undefined> }, iterations: number): Promise<T | undefined> {
  const state = await checkpoint.read();
  return state !== undefined && state.iteration < iterations ? state : undefined;
}
