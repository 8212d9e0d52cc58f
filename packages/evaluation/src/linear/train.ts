import { type DeviceArray, eagerEngine, type Engine, jit } from '@dinov2/jit';
import { createRandom } from '@dinov2/primitives';
import * as tf from '@tensorflow/tfjs-core';
import { cosineAnnealing } from '../dense/schedule';
import type { HostArrays } from '../dense/train-head';
import { EvaluationError } from '../error';
import { groupScores, headInput, type LabelledInput, labelledInput } from './batch-input';
import type { LinearBatch } from './batches';
import { type HeadGroup, type LinearHead, linearGrid } from './grid';

export interface LinearOptions {
  /** Number of classes; labels are 0 to `classes - 1`. */
  readonly classes: number;
  /** Images per batch, by which learning rates are scaled. Default 128. */
  readonly batchSize?: number;
  /** Default 12,500. */
  readonly iterations?: number;
  /** Numbers of last blocks whose class tokens go in. Default `[1, 4]`. */
  readonly blocks?: readonly number[];
  /** With and without the mean patch token. Default `[false, true]`. */
  readonly avgpool?: readonly boolean[];
  /** Before scaling by batch / 256. Default {@link linearLearningRates}. */
  readonly learningRates?: readonly number[];
  /** Of the initial weights. Default 0. */
  readonly seed?: number;
  /** Where the training runs; op by op on tfjs's current backend by default. */
  readonly engine?: Engine;
  readonly onProgress?: (progress: LinearProgress) => void;
  /** Called every `checkpointEvery` iterations (default 500) and at the end, with what `resume` takes. */
  readonly onCheckpoint?: (state: LinearState) => void | Promise<void>;
  readonly checkpointEvery?: number;
  /** Continue from here. Grid, batch size and number of iterations must be those of the state. */
  readonly resume?: LinearState;
  /** Ends the training after the current iteration. */
  readonly signal?: AbortSignal;
}

/** Heads in training; enough to continue. */
export interface LinearState {
  /** Iterations done. */
  readonly iteration: number;
  /**
   * For each input of the grid `<blocks>_blocks_avgpool_<True|False>` a `.weight` (heads · classes, width) and a `.bias`
   * (heads · classes,), the heads in the order of the learning rates.
   */
  readonly parameters: HostArrays;
  /** SGD's momentum buffers, of the same names and shapes. */
  readonly momenta: HostArrays;
}

/** How far the training is. */
export interface LinearProgress {
  /** Iterations done, of `total`. */
  readonly iteration: number;
  readonly total: number;
  /** Lowest of {@link losses}. */
  readonly loss: number;
  /** Cross-entropy of each head on this batch, in grid order; not finite for a head that has diverged. */
  readonly losses: Float32Array;
  readonly iterationsPerSecond: number;
  readonly secondsLeft: number;
}

/** A trained grid. */
export interface LinearHeads {
  readonly classes: number;
  /** Width of a token. */
  readonly dim: number;
  /** In the reference's order: blocks, then avgpool, then learning rates. */
  readonly heads: readonly LinearHead[];
  readonly groups: readonly HeadGroup[];
  readonly state: LinearState;
  /** What differs from what was asked for, in sentences: fewer blocks than a grid of 4 needs. */
  readonly notes: readonly string[];
}

/** The reference's 13 learning rates. */
export const linearLearningRates: readonly number[] = [1e-5, 2e-5, 5e-5, 1e-4, 2e-4, 5e-4, 1e-3, 2e-3, 5e-3, 1e-2, 2e-2, 5e-2, 1e-1];

const MOMENTUM = 0.9;

type Tensors<T> = Readonly<Record<string, T>>;
interface StepState<T> {
  readonly parameters: Tensors<T>;
  readonly momenta: Tensors<T>;
}

/**
 * Train the linear heads of a grid (last blocks × avgpool × learning rates) at once on shared frozen features.
 *
 * Each head minimises its own mean cross-entropy by SGD with momentum 0.9 (as PyTorch's: no dampening, no Nesterov,
 * no weight decay) under a learning rate of `rate · batch / 256` that falls to 0 by half a cosine over the iterations.
 * Weights start from N(0, 0.01²), biases from 0. Heads of one input are one matrix product, an iteration is one
 * compiled step.
 *
 * Source: DINOv2, appendix B.3.
 *
 * @param batches - the batch of an iteration: {@link shuffledBatches} of cached features, or features of freshly
 * augmented images (random resized crop of 0.08–1 and flip in the reference). Asked for one iteration ahead.
 * @throws EvaluationError when a batch or an option does not fit, or features are not finite.
 *
 * @example
 * ```ts
 * const heads = await trainLinear(shuffledBatches(train, { batchSize: 128 }), { classes: 10, engine });
 * const { best } = await evaluateLinear(heads, orderedBatches(validation), { engine });
 * ```
 */
export async function trainLinear(
  batches: (iteration: number) => Promise<LinearBatch>,
  options: LinearOptions,
): Promise<LinearHeads> {
  const { classes, batchSize = 128, iterations = 12_500, blocks = [1, 4], avgpool = [false, true] } = options;
  const { learningRates = linearLearningRates, seed = 0, onProgress, onCheckpoint, checkpointEvery = 500, resume } = options;
  if (!Number.isInteger(classes) || classes < 2) throw new EvaluationError(`classes is ${classes}; expected a whole number from 2`);
  if (!Number.isInteger(iterations) || iterations < 1) throw new EvaluationError(`iterations is ${iterations}; expected a whole number from 1`);
  let iteration = resume?.iteration ?? 0;
  if (!(iteration < iterations)) {
    throw new EvaluationError(`the state to resume has done ${iteration} of ${iterations} iterations; pass more iterations or use its heads`);
  }

  // The first batch tells how many blocks there are and how wide a token is.
  const first = await batches(iteration);
  const { limited, notes } = limitBlocks(blocks, first.classTokens.shape[1] ?? 0);
  const groups = linearGrid({ blocks: limited, avgpool, learningRates, batchSize });
  const heads = groups.flatMap((group) => group.heads);
  const dim = first.classTokens.shape[2] ?? 0;
  const needs = { blocks: Math.max(...limited), avgpool: avgpool.includes(true), classes };
  const input = (batch: LinearBatch, t: number) => {
    const checked = labelledInput(batch, { ...needs, dim, place: `the batch of iteration ${t}` });
    const rows = checked.labels.shape[0]!;
    if (rows !== batchSize) {
      throw new EvaluationError(`the batch of iteration ${t} has ${rows} images and batchSize is ${batchSize}; the learning rates are scaled by it`);
    }
    return checked;
  };

  const engine = options.engine ?? eagerEngine();
  const scaled = groups[0]!.heads.map(({ scaledLearningRate }) => scaledLearningRate);
  const annealing = cosineAnnealing(1, iterations, { iterations: 0, ratio: 1 }, 0);
  const step = jit(
    (state: StepState<tf.Tensor>, batch: LabelledInput<tf.Tensor>, rates: tf.Tensor) => trainStep(groups, classes, state, batch, rates),
    { engine, donate: [0] },
  );
  const start = resume ?? initialState(groups, classes, dim, seed);
  checkState(start, groups, classes, dim);
  const put = (arrays: HostArrays) =>
    Object.fromEntries(Object.entries(arrays).map(([name, { data, shape }]) => [name, engine.put(data, shape, 'float32')]));
  let state: StepState<DeviceArray> = { parameters: put(start.parameters), momenta: put(start.momenta) };

  const done = iteration;
  const began = performance.now();
  let pending: Promise<LinearBatch> | undefined = Promise.resolve(first);
  try {
    while (pending !== undefined) {
      const batch = input(await pending, iteration);
      const last = iteration + 1 === iterations || options.signal?.aborted === true;
      pending = last ? undefined : batches(iteration + 1);
      // Its failure is thrown where it is awaited.
      pending?.catch(() => {});

      const factor = annealing(iteration);
      const rates = { data: Float32Array.from(scaled, (rate) => rate * factor), shape: [scaled.length] };
      const result = await step(state, batch, rates);
      state = result.state as StepState<DeviceArray>;
      const losses = (await result.losses.data()) as Float32Array;
      result.losses.dispose();
      iteration++;
      if (onProgress !== undefined) {
        const perSecond = ((iteration - done) * 1000) / (performance.now() - began);
        const loss = losses.reduce((lowest, value) => (value < lowest ? value : lowest), Infinity);
        onProgress({ iteration, total: iterations, loss, losses, iterationsPerSecond: perSecond, secondsLeft: (iterations - iteration) / perSecond });
      }
      if (onCheckpoint !== undefined && (iteration % checkpointEvery === 0 || last)) await onCheckpoint(await read(state, iteration));
    }
    return { classes, dim, heads, groups, notes, state: await read(state, iteration) };
  } finally {
    await pending?.catch(() => {});
    for (const arrays of [state.parameters, state.momenta]) for (const array of Object.values(arrays)) if (!array.isDisposed) array.dispose();
    step.dispose();
  }
}

/** One iteration of all heads; the gradient of softmax and cross-entropy is written out: (p - y) / B. */
function trainStep(
  groups: readonly HeadGroup[],
  classes: number,
  { parameters, momenta }: StepState<tf.Tensor>,
  batch: LabelledInput<tf.Tensor>,
  rates: tf.Tensor,
): { state: StepState<tf.Tensor>; losses: tf.Tensor1D } {
  const next: { parameters: Record<string, tf.Tensor>; momenta: Record<string, tf.Tensor> } = { parameters: {}, momenta: {} };
  const rows = batch.labels.shape[0]!;
  const truth = tf.expandDims(tf.oneHot(tf.cast(batch.labels, 'int32'), classes, 1, 0, 'float32'), 1); // (B, 1, classes)
  const losses = groups.map(({ key, blocks, avgpool, heads }) => {
    const input = headInput(batch, blocks, avgpool); // (B, width)
    const weight = parameters[`${key}.weight`]!;
    const bias = parameters[`${key}.bias`]!;
    const logs = tf.logSoftmax(groupScores(input, weight, bias, classes)); // (B, heads, classes)
    const residual = tf.div(tf.sub(tf.exp(logs), truth), rows);
    const flat = tf.reshape(residual, [rows, heads.length * classes]) as tf.Tensor2D;
    const gradients = { weight: tf.matMul(flat, input, true), bias: tf.sum(flat, 0) };
    // The rate of each head for each of its rows of weights.
    const rowRates = tf.reshape(tf.tile(tf.expandDims(rates, 1), [1, classes]), [heads.length * classes]);
    for (const [name, value] of [['weight', weight], ['bias', bias]] as const) {
      const momentum = tf.add(tf.mul(momenta[`${key}.${name}`]!, MOMENTUM), gradients[name]);
      const stepSize = name === 'weight' ? tf.expandDims(rowRates, 1) : rowRates;
      next.momenta[`${key}.${name}`] = momentum;
      next.parameters[`${key}.${name}`] = tf.sub(value, tf.mul(momentum, stepSize));
    }
    return tf.div(tf.neg(tf.sum(tf.mul(logs, truth), [0, 2])), rows); // (heads,)
  });
  return { state: next, losses: tf.concat(losses as tf.Tensor1D[]) as tf.Tensor1D };
}

function limitBlocks(blocks: readonly number[], available: number): { limited: number[]; notes: string[] } {
  const beyond = blocks.filter((n) => n > available);
  const limited = [...new Set(blocks.map((n) => Math.min(n, Math.max(1, available))))];
  const notes = beyond.map((n) => `heads on the last ${n} blocks use ${available}: the features hold no more`);
  return { limited, notes };
}

const shapesOf = ({ blocks, avgpool, heads }: HeadGroup, classes: number, dim: number) => ({
  weight: [heads.length * classes, (blocks + Number(avgpool)) * dim],
  bias: [heads.length * classes],
});

function initialState(groups: readonly HeadGroup[], classes: number, dim: number, seed: number): LinearState {
  const parameters: Record<string, HostArrays[string]> = {};
  const momenta: Record<string, HostArrays[string]> = {};
  for (const group of groups) {
    const random = createRandom(seed).fork('linear heads').fork(group.key);
    for (const [name, shape] of Object.entries(shapesOf(group, classes, dim))) {
      const length = shape.reduce((a, b) => a * b, 1);
      const data = name === 'weight' ? Float32Array.from({ length }, () => 0.01 * random.normal()) : new Float32Array(length);
      parameters[`${group.key}.${name}`] = { data, shape };
      momenta[`${group.key}.${name}`] = { data: new Float32Array(length), shape };
    }
  }
  return { iteration: 0, parameters, momenta };
}

function checkState({ parameters, momenta }: LinearState, groups: readonly HeadGroup[], classes: number, dim: number): void {
  for (const group of groups) {
    for (const [name, shape] of Object.entries(shapesOf(group, classes, dim))) {
      for (const [kind, arrays] of Object.entries({ parameters, momenta })) {
        const found = arrays[`${group.key}.${name}`];
        if (found?.shape.join() === shape.join()) continue;
        throw new EvaluationError(
          `${kind} of the state to resume have ${found === undefined ? 'no' : `shape (${found.shape.join(', ')}) for`} ${group.key}.${name}; ` +
            `expected (${shape.join(', ')}), so resume with the same classes, blocks, avgpool and learning rates`,
        );
      }
    }
  }
}

async function read({ parameters, momenta }: StepState<DeviceArray>, iteration: number): Promise<LinearState> {
  const host = async (arrays: Tensors<DeviceArray>): Promise<HostArrays> => {
    const entries = Object.entries(arrays).map(async ([name, array]) => [name, { data: await array.data(), shape: array.shape }] as const);
    return Object.fromEntries(await Promise.all(entries));
  };
  return { iteration, parameters: await host(parameters), momenta: await host(momenta) };
}
