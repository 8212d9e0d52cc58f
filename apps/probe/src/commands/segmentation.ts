import { join } from 'node:path';
import { pickEngine } from '@dinov2/app-kit';
import { type RgbImage, type SegmentationRecipe, segmentationRecipes, trainSegmentation } from '@dinov2/evaluation';
import { ProbeError } from '../error';
import { evaluate } from '../evaluate';
import type { EvaluationOptions } from '../inputs/common';
import { type DenseData, denseInput, openDenseData, samplesOf } from '../inputs/dense-data';
import { CHECKPOINT_EVERY, denseGroups, HeadCheckpoint } from '../inputs/head-checkpoint';
import { TrainingProgress } from '../inputs/training-progress';
import { paintMask } from '../pictures/paint-mask';
import { png, sheet } from '../pictures/picture';
import { denseSheet, type SheetRow } from '../report/dense-sheet';
import { writeText } from '../results/files';
import { writeHead } from '../results/write-head';

export interface SegmentationOptions extends EvaluationOptions {
  /** Test pictures, if `data` holds training pictures alone. */
  readonly test?: string;
  /** The last four blocks, several sizes and mirroring in place of the last block at one size. */
  readonly multiscale: boolean;
  readonly recipe: 'small' | 'paper';
  /** Number of classes, where the data do not say. */
  readonly classes?: number;
  /** Take 0 for unknown and number classes from 1, as for ADE20k. */
  readonly reduceZeroLabel: boolean;
  readonly iterations?: number;
  readonly batchSize?: number;
  readonly learningRate?: number;
  /** New views in every iteration. */
  readonly augment: boolean;
}

/** Test pictures in the sheet. */
const SHOWN = 12;
const ignored = 255;

/** A linear head on frozen patch tokens. */
export async function segmentationCommand(options: SegmentationOptions): Promise<void> {
  const { multiscale, reduceZeroLabel, iterations, batchSize, learningRate, augment, seed } = options;
  const data = await openDenseData(options.data, options.test, 'masks', options.cache);
  const relabel = (labels: ArrayLike<number>) => Int32Array.from(labels, (label) => (label === ignored || !reduceZeroLabel ? label : label === 0 ? ignored : label - 1));
  const convert = ({ image, mask }: { image: RgbImage; mask?: { data: ArrayLike<number>; width: number; height: number } }) => ({ image, mask: { ...mask!, data: relabel(mask!.data) } });
  const samples = { train: samplesOf(data.train, convert), test: samplesOf(data.test, convert) };
  const classes = options.classes ?? (await countClasses(data, samples, reduceZeroLabel));
  const names = data.train.maskClasses ?? Array.from({ length: classes }, (_, i) => `class ${i}`);
  if (names.length < classes) throw new ProbeError(`classes.json of ${data.path} names ${names.length} classes, and there are ${classes}; add the others or pass --classes ${names.length}`);
  const recipe = recipeOf(options);
  const { engine } = await pickEngine(options);

  await evaluate(options, async () => ({
    command: 'segmentation',
    whole: false,
    data: { path: data.path, classes, trainingImages: data.train.paths.length, testImages: data.test.paths.length },
    settings: { multiscale, reduceZeroLabel, augment, recipe: recipe as never, batchSize: batchSize ?? recipe.batchSize, learningRate: learningRate ?? recipe.learningRate },
    async measure(subject) {
      const { depth } = subject.config;
      const blocks = multiscale ? [depth - 4, depth - 3, depth - 2, depth - 1].filter((block) => block >= 0) : [depth - 1];
      const extractor = await subject.open({ classTokens: 0, patchTokens: blocks });
      const progress = new TrainingProgress(subject.name);
      const settings = { classes, recipe, iterations, batchSize, learningRate, augment, seed };
      const checkpoint = new HeadCheckpoint(options.cache, ['segmentation', extractor.key, data.train.paths, data.train.masks, reduceZeroLabel, settings], denseGroups);
      try {
        const trained = await trainSegmentation({
          ...settings,
          train: samples.train,
          ...denseInput(extractor),
          engine,
          onViews: progress.onViews,
          onProgress: progress.onProgress,
          onCheckpoint: (state) => checkpoint.write(state),
          checkpointEvery: CHECKPOINT_EVERY,
          resume: await checkpoint.read(),
          // Left out, the features of fixed views decide by the memory that they take.
          ...(!augment && { augment: undefined }),
        });
        const rows: SheetRow[] = [];
        const every = Math.max(1, Math.floor(samples.test.length / SHOWN));
        const scores = await trained.head.evaluate(samples.test, {
          onProgress: progress.onTest,
          onPrediction(i, prediction, { image, mask }) {
            if (subject.kind !== 'weights' || i % every !== 0 || rows.length >= SHOWN) return;
            rows.push({ name: data.test.paths[i]!, pictures: [image, paintMask(mask), paintMask({ ...prediction, data: prediction.labels })] });
          },
        });
        const { head } = trained;
        checkpoint.remove();
        head.dispose();
        const number = (value: number) => (Number.isFinite(value) ? value : null);
        return {
          metrics: { mIoU: number(scores.meanIoU), 'mean per class accuracy': number(scores.meanAccuracy), 'pixel accuracy': number(scores.pixelAccuracy) },
          settings: { iterations: trained.recipe.iterations, blocks, augment: trained.augment },
          details: {
            unit: 'class',
            columns: ['IoU', 'accuracy', 'pixels'],
            rows: Array.from({ length: classes }, (_, c) => ({ name: names[c]!, values: [number(scores.iou[c]!), number(scores.accuracy[c]!), scores.pixels[c]!] })),
          },
          curves: progress.curves(),
          gallery: () => denseSheet(rows, names.slice(0, classes)),
          write: async (folder) => {
            await writeHead(join(folder, 'head.safetensors'), head.weights, { command: 'segmentation', blocks, classes: names.slice(0, classes) });
            writeText(join(folder, 'pictures.png'), await png(sheet(rows.map(({ pictures }) => pictures))));
          },
        };
      } finally {
        progress.end();
        await extractor.dispose();
      }
    },
  }));
  await engine.dispose();
}

/** The published recipes, or those for small folders; `--size` changes the side of crops and windows. */
function recipeOf({ recipe, multiscale, size }: SegmentationOptions): SegmentationRecipe {
  const { small, linear, multiScale } = segmentationRecipes;
  const published = multiscale ? multiScale : linear;
  const base = recipe === 'paper' ? published : { ...small, test: { ...small.test, ...(multiscale && { scales: multiScale.test.scales, flip: true }) } };
  if (size === undefined) return base;
  return { ...base, augmentation: { ...base.augmentation, shortSide: size, crop: [size, size] }, test: { ...base.test, shortSide: size, window: [size, size] } };
}

/** One more than the largest number in the masks, or as many as the data name. */
async function countClasses({ path, train }: DenseData, samples: { train: { length: number; sample(i: number): Promise<{ mask: { data: Int32Array } }> } }, reduced: boolean): Promise<number> {
  if (train.maskClasses !== undefined) return train.maskClasses.length;
  let largest = -1;
  for (let i = 0; i < samples.train.length; i++) {
    for (const label of (await samples.train.sample(i)).mask.data) if (label !== ignored && label > largest) largest = label;
  }
  if (largest < 1) throw new ProbeError(`masks of ${path} hold ${largest < 0 ? 'nothing but the ignored 255' : 'one class alone'}${reduced ? ' after --reduce-zero-label' : ''}; there is nothing to learn`);
  return largest + 1;
}
