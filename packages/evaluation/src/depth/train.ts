import { eagerEngine, type Engine } from '@dinov2/jit';
import * as tf from '@tensorflow/tfjs-core';
import { resampleBilinear } from '../dense/bilinear';
import type { DenseInput, Padding, StackedTokens } from '../dense/features';
import { cosineAnnealing, oneCycleMomentum } from '../dense/schedule';
import { type HeadFunctions, type HeadProgress, type HeadState, initialHeadState, trainHead } from '../dense/train-head';
import { openViews, type ViewOptions } from '../dense/views';
import { EvaluationError } from '../error';
import { type DepthImage, depthView } from './augmentation';
import type { DepthModel } from './depth-model';
import { dptModel } from './dpt-head';
import { type DepthHead, type DepthSamples, loadDepthHead, releasedNames, withClassTokens } from './head';
import { linearDepthModel } from './linear-head';
import { gradientLoss, sigLoss } from './losses';
import { type DepthRecipe, depthRecipes } from './presets';

export interface DepthOptions extends DenseInput, ViewOptions, Partial<DepthRecipe> {
  readonly train: DepthSamples;
  /** `linear` on any number of blocks (default), or `dpt` on four. */
  readonly head?: 'linear' | 'dpt';
  /** Width of the DPT head: 256 in the paper, 32 by default, which two cores train in minutes. */
  readonly channels?: number;
  /** Blocks whose class tokens are taken, where `extract` gives those of more blocks than patch tokens. */
  readonly blocks?: readonly number[];
  /** What is not given here: `small` by default, `smallDpt` for the DPT head. */
  readonly recipe?: DepthRecipe;
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
export interface TrainedDepth {
  readonly head: DepthHead;
  readonly recipe: DepthRecipe & { readonly iterations: number };
  /** Whether every iteration drew new views. */
  readonly augment: boolean;
  readonly state: HeadState;
}

/** The head under its losses. */
export function depthFunctions(model: DepthModel, padding: Padding, recipe: Pick<DepthRecipe, 'minDepth' | 'maxDepth' | 'gradientLossWeight'>): HeadFunctions {
  return {
    prepare: ({ patchTokens, classTokens }, buffers) => ({ input: [patchTokens, classTokens!], buffers }),
    loss(parameters, input, truth, spread) {
      const [patchTokens, classTokens] = input as [tf.Tensor, tf.Tensor];
      const tokens: Required<StackedTokens<tf.Tensor>> = { patchTokens, classTokens };
      const map = tf.expandDims(model.depth(parameters, tokens, recipe), 3);
      const large = resampleBilinear(map, [padding.height, padding.width], { window: padding.image });
      const predicted = tf.reshape(large, truth.shape);
      const loss = sigLoss(predicted, truth, recipe.maxDepth, spread);
      if (recipe.gradientLossWeight === 0) return loss;
      return tf.add(loss, tf.mul(gradientLoss(predicted, truth, recipe.maxDepth), recipe.gradientLossWeight));
    },
  };
}

/**
 * Train a depth head on frozen patch and class tokens (DINOv2 §7.4): SigLoss and half of GradientLoss, AdamW with a
 * linear warm-up and a cosine.
 *
 * Where this departs from the released code: GradientLoss differs between pixels, as it was meant to, while the
 * released one is 0; and the padding around a picture is cut off the enlarged depth instead of being
 * squeezed into it.
 *
 * @throws EvaluationError for depth of another size than its picture or that is not finite, tokens that do not fit, a
 * loss that is not finite.
 */
export async function trainDepth(options: DepthOptions): Promise<TrainedDepth> {
  const { train, engine = eagerEngine(), seed = 0, blocks } = options;
  const base = options.recipe ?? (options.head === 'dpt' ? depthRecipes.smallDpt : depthRecipes.small);
  const recipe: DepthRecipe = {
    augmentation: options.augmentation ?? base.augmentation,
    test: options.test ?? base.test,
    crop: options.crop ?? base.crop,
    minDepth: options.minDepth ?? base.minDepth,
    maxDepth: options.maxDepth ?? base.maxDepth,
    batchSize: options.batchSize ?? base.batchSize,
    iterations: options.iterations ?? base.iterations,
    learningRate: options.learningRate ?? base.learningRate,
    optimizer: options.optimizer ?? base.optimizer,
    warmUp: options.warmUp ?? base.warmUp,
    sigLossWarmUp: options.sigLossWarmUp ?? base.sigLossWarmUp,
    gradientLossWeight: options.gradientLossWeight ?? base.gradientLossWeight,
    oneCycleMomentum: options.oneCycleMomentum ?? base.oneCycleMomentum,
  };
  if (!(recipe.minDepth > 0 && recipe.maxDepth > recipe.minDepth)) {
    throw new EvaluationError(`depth from ${recipe.minDepth} to ${recipe.maxDepth} m; expected a positive minimum below the maximum`);
  }
  const passes = Math.ceil((40 * train.length) / recipe.batchSize);
  const iterations = recipe.iterations ?? Math.min(2000, Math.max(300, passes));
  const model = options.head === 'dpt' ? dptModel(options.channels ?? 32) : linearDepthModel();
  const views = await openViews(
    {
      length: train.length,
      draw: async (i, random) => {
        const sample = await train.sample(i);
        checkSample(sample, i);
        const { image, depth } = depthView(sample, recipe.augmentation, random);
        return { image, target: depth };
      },
    },
    withClassTokens(options, blocks),
    recipe.batchSize,
    seed,
    options,
  );
  const state = await trainHead(
    depthFunctions(model, views.example.padding, recipe),
    options.resume ?? initialHeadState(model.initialize(views.example.grid, seed), {}),
    views.batch,
    {
      engine,
      iterations,
      optimizer: recipe.optimizer,
      learningRate: cosineAnnealing(recipe.learningRate, iterations, { iterations: Math.round(recipe.warmUp * iterations), ratio: 1e-3 }, 1e-8),
      momentum: recipe.oneCycleMomentum ? oneCycleMomentum(iterations) : undefined,
      factor: (iteration) => (iteration < recipe.sigLossWarmUp ? 0 : 1),
      onProgress: options.onProgress,
      onCheckpoint: options.onCheckpoint,
      checkpointEvery: options.checkpointEvery,
      signal: options.signal,
    },
  );
  const { minDepth, maxDepth, crop, test } = recipe;
  return {
    head: loadDepthHead(releasedNames(state.parameters), { ...options, engine, test, minDepth, maxDepth, crop }),
    recipe: { ...recipe, iterations },
    augment: views.augment,
    state,
  };
}

function checkSample({ image, depth }: DepthImage, i: number): void {
  if (depth.width !== image.width || depth.height !== image.height) {
    throw new EvaluationError(
      `the depth of sample ${i} has ${depth.width} × ${depth.height} pixels and its picture ${image.width} × ${image.height}; they must be equal`,
    );
  }
  const wrong = depth.data.find((metres) => !(metres >= 0 && metres < Infinity));
  if (wrong !== undefined) throw new EvaluationError(`the depth of sample ${i} holds ${wrong}; expected metres, and 0 where depth is unknown`);
}
