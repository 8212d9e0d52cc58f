import { join } from 'node:path';
import { pickEngine } from '@dinov2/app-kit';
import { depthCrops, type DepthRecipe, depthRecipes, type RgbImage, trainDepth } from '@dinov2/evaluation';
import { evaluate } from '../evaluate';
import type { EvaluationOptions } from '../inputs/common';
import { denseInput, openDenseData, samplesOf } from '../inputs/dense-data';
import { CHECKPOINT_EVERY, denseGroups, HeadCheckpoint } from '../inputs/head-checkpoint';
import { TrainingProgress } from '../inputs/training-progress';
import { paintDepth } from '../pictures/paint-depth';
import { png, sheet } from '../pictures/picture';
import { denseSheet, type SheetRow } from '../report/dense-sheet';
import { writeText } from '../results/files';
import { writeHead } from '../results/write-head';

export type DepthHeadName = 'linear1' | 'linear4' | 'dpt';

export interface DepthOptions extends EvaluationOptions {
  readonly test?: string;
  readonly head: DepthHeadName;
  readonly recipe: 'small' | 'paper';
  readonly minDepth?: number;
  readonly maxDepth?: number;
  /** Metres per unit of depth maps. */
  readonly depthScale?: number;
  /** Part of test pictures that counts. */
  readonly crop?: keyof typeof depthCrops;
  readonly iterations?: number;
  readonly batchSize?: number;
  readonly learningRate?: number;
  readonly augment: boolean;
}

/** Test pictures in the sheet. */
const SHOWN = 12;
/** Metres that made-up scenes reach. */
const SCENE_DEPTH = 30;

/** A depth head on frozen patch and class tokens. */
export async function depthCommand(options: DepthOptions): Promise<void> {
  const { head: headName, depthScale, iterations, batchSize, learningRate, augment, seed, minDepth } = options;
  const maxDepth = options.maxDepth ?? (options.data === undefined ? SCENE_DEPTH : undefined);
  const data = await openDenseData(options.data, options.test, 'depths', options.cache);
  const convert = ({ image, depth }: { image: RgbImage; depth?: { data: Float32Array; width: number; height: number } }) => ({ image, depth: depth! });
  const reading = { ...(depthScale !== undefined && { depthScale }) };
  const samples = { train: samplesOf(data.train, convert, reading), test: samplesOf(data.test, convert, reading) };
  const recipe = recipeOf(options);
  const { engine } = await pickEngine(options);

  await evaluate(options, async () => ({
    command: 'depth',
    whole: false,
    data: { path: data.path, trainingImages: data.train.paths.length, testImages: data.test.paths.length },
    settings: {
      head: headName, recipe: describeRecipe(recipe) as never, crop: options.crop ?? null, depthScale: depthScale ?? null, augment,
      batchSize: batchSize ?? recipe.batchSize, learningRate: learningRate ?? recipe.learningRate,
      minDepth: minDepth ?? recipe.minDepth, maxDepth: maxDepth ?? recipe.maxDepth,
    },
    async measure(subject) {
      const { depth } = subject.config;
      const blocks = headName === 'linear1' ? [depth - 1] : fourBlocks(depth);
      const extractor = await subject.open({ classTokens: headName === 'linear1' ? 1 : depth, patchTokens: blocks });
      const progress = new TrainingProgress(subject.name);
      const settings = { head: headName === 'dpt' ? ('dpt' as const) : ('linear' as const), recipe, iterations, batchSize, learningRate, augment, seed, minDepth, maxDepth };
      const checkpoint = new HeadCheckpoint(options.cache, ['depth', extractor.key, data.train.paths, data.train.depths, depthScale, settings], denseGroups);
      try {
        const trained = await trainDepth({
          ...settings,
          ...(headName !== 'linear1' && { blocks }),
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
        const { head } = trained;
        const rows: SheetRow[] = [];
        const every = Math.max(1, Math.floor(samples.test.length / SHOWN));
        const scores = await head.evaluate(samples.test, {
          onProgress: progress.onTest,
          onPrediction(i, prediction, { image, depth: truth }) {
            if (subject.kind !== 'weights' || i % every !== 0 || rows.length >= SHOWN) return;
            rows.push({ name: data.test.paths[i]!, pictures: [image, ...paintDepth([truth, prediction], head.maxDepth)] });
          },
        });
        checkpoint.remove();
        head.dispose();
        return {
          metrics: {
            RMSE: scores.rmse, AbsRel: scores.absRel, 'δ1': scores.delta1, 'δ2': scores.delta2, 'δ3': scores.delta3,
            SqRel: scores.sqRel, log10: scores.log10, 'RMSE log': scores.rmseLog, SILog: scores.silog,
          },
          settings: { iterations: trained.recipe.iterations, blocks, augment: trained.augment },
          curves: progress.curves(),
          gallery: () => denseSheet(rows, [], 'Near is dark, far is light; black in the truth is unknown. Truth and prediction share their colours.'),
          write: async (folder) => {
            await writeHead(join(folder, 'head.safetensors'), head.weights, { command: 'depth', head: headName, blocks, minDepth: head.minDepth, maxDepth: head.maxDepth });
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

/** The blocks of the published four-block heads: the last of each quarter, and [4, 11, 17, 23] of 24. */
function fourBlocks(depth: number): number[] {
  if (depth === 24) return [4, 11, 17, 23];
  return [...new Set([1, 2, 3, 4].map((quarter) => Math.max(0, Math.floor((quarter * depth) / 4) - 1)))];
}

function recipeOf({ recipe, head, size, crop }: DepthOptions): DepthRecipe {
  const { small, smallDpt, nyu, nyuDpt } = depthRecipes;
  const base = head === 'dpt' ? (recipe === 'paper' ? nyuDpt : smallDpt) : recipe === 'paper' ? nyu : small;
  return {
    ...base,
    ...(crop && { crop: depthCrops[crop] }),
    ...(size !== undefined && { augmentation: { ...base.augmentation, shortSide: size, crop: [size, size] as const }, test: { ...base.test, shortSide: size } }),
  };
}

/** Without what is a function. */
const describeRecipe = ({ crop, ...recipe }: DepthRecipe): object => ({ ...recipe, crop: Object.entries(depthCrops).find(([, one]) => one === crop)?.[0] ?? null });
