import { eagerEngine, type Engine } from '@dinov2/jit';
import type { DenseInput } from '../dense/features';
import { polynomialSchedule } from '../dense/schedule';
import { type HeadProgress, type HeadState, initialHeadState, trainHead } from '../dense/train-head';
import { openViews, type ViewOptions } from '../dense/views';
import { EvaluationError } from '../error';
import { ignoredLabel, type LabelledImage, segmentationView } from './augmentation';
import { loadSegmentationHead, releasedNames, type SegmentationHead, type SegmentationSamples } from './head';
import { initialLinearHead, linearSegmentationHead } from './linear-head';
import { type SegmentationRecipe, segmentationRecipes } from './presets';

export interface SegmentationOptions extends DenseInput, ViewOptions, Partial<SegmentationRecipe> {
  readonly train: SegmentationSamples;
  /** Number of classes; labels are 0 to classes − 1 and 255. */
  readonly classes: number;
  /** What is not given here: `small` by default. */
  readonly recipe?: SegmentationRecipe;
  /** The eager engine by default. */
  readonly engine?: Engine;
  /** Default 0. */
  readonly seed?: number;
  readonly onProgress?: (progress: HeadProgress) => void;
  /** A state that `onCheckpoint` gave; the same options and data continue as if never interrupted. */
  readonly resume?: HeadState;
  readonly onCheckpoint?: (state: HeadState) => void | Promise<void>;
  readonly checkpointEvery?: number;
  /** Ends the training after the current iteration. */
  readonly signal?: AbortSignal;
}

/** A trained head and how it was made. */
export interface TrainedSegmentation {
  readonly head: SegmentationHead;
  readonly recipe: Required<SegmentationRecipe>;
  /** Whether every iteration drew new views. */
  readonly augment: boolean;
  readonly state: HeadState;
}

/**
 * Train a linear segmentation head on frozen patch tokens: batch norm and a linear map of every patch,
 * logits enlarged bilinearly to the labels, cross-entropy, AdamW (DINOv2 §7.4).
 *
 * All blocks that `extract` gives are concatenated: one for "lin.", the last four for "+ms".
 * Where this departs from mmsegmentation: the loss is the mean over labelled pixels only, and the padding
 * around a picture is cut off the enlarged logits instead of being squeezed into them.
 *
 * @throws EvaluationError for labels that are no class, masks of another size than their picture, tokens
 * that do not fit, a loss that is not finite.
 */
export async function trainSegmentation(options: SegmentationOptions): Promise<TrainedSegmentation> {
  const { train, classes, engine = eagerEngine(), seed = 0 } = options;
  const given = Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined));
  const merged: SegmentationRecipe = { ...(options.recipe ?? segmentationRecipes.small), ...given };
  const { augmentation, test, batchSize, learningRate, optimizer, warmUp } = merged;
  const passes = Math.ceil((40 * train.length) / batchSize);
  const iterations = merged.iterations ?? Math.min(2000, Math.max(300, passes));
  if (!Number.isInteger(classes) || classes < 2 || classes > ignoredLabel) {
    throw new EvaluationError(`classes is ${classes}; expected a whole number from 2 to ${ignoredLabel}`);
  }

  const views = await openViews(
    {
      length: train.length,
      draw: async (i, random) => {
        const sample = await train.sample(i);
        checkSample(sample, classes, i);
        const { image, mask } = segmentationView(sample, augmentation, random);
        return { image, target: mask };
      },
    },
    options,
    batchSize,
    seed,
    options,
  );
  const initial = initialLinearHead(views.example.grid, classes, seed);
  const state = await trainHead(
    linearSegmentationHead(views.example.padding),
    options.resume ?? initialHeadState(initial.parameters, initial.buffers),
    views.batch,
    {
      engine,
      iterations,
      optimizer,
      learningRate: polynomialSchedule(learningRate, iterations, { iterations: Math.round(warmUp * iterations), ratio: 1e-6 }),
      onProgress: options.onProgress,
      onCheckpoint: options.onCheckpoint,
      checkpointEvery: options.checkpointEvery,
      signal: options.signal,
    },
  );
  const weights = releasedNames({ ...state.parameters, ...state.buffers });
  return {
    head: loadSegmentationHead(weights, { ...options, engine, test }),
    recipe: { augmentation, test, batchSize, learningRate, optimizer, warmUp, iterations },
    augment: views.augment,
    state,
  };
}

function checkSample({ image, mask }: LabelledImage, classes: number, i: number): void {
  if (mask.width !== image.width || mask.height !== image.height) {
    throw new EvaluationError(
      `the mask of sample ${i} has ${mask.width} × ${mask.height} pixels and its picture ${image.width} × ${image.height}; they must be equal`,
    );
  }
  const wrong = mask.data.find((label) => label !== ignoredLabel && !(label >= 0 && label < classes));
  if (wrong !== undefined) {
    throw new EvaluationError(`the mask of sample ${i} holds label ${wrong}; with ${classes} classes, labels are 0 to ${classes - 1} and ${ignoredLabel}`);
  }
}
