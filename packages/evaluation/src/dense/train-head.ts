import { type DeviceArray, type Engine, type HostArray, jit } from '@dinov2/jit';
import * as tf from '@tensorflow/tfjs-core';
import { EvaluationError } from '../error';
import type { StackedTokens } from './features';
import { type AdamWSettings, type Tensors, type Trained, updateParameters } from './optimizer';
import type { IterationSchedule } from './schedule';

export type HostArrays = Readonly<Record<string, HostArray>>;

/** A head on frozen tokens, as pure functions of named tensors. */
export interface HeadFunctions {
  /** What no gradient passes: the head's input, and its buffers after seeing the batch. */
  prepare(tokens: StackedTokens<tf.Tensor>, buffers: Tensors): { input: tf.Tensor | readonly tf.Tensor[]; buffers: Tensors };
  /** Scalar loss. `factor` is this iteration's value of the schedule of that name. */
  loss(parameters: Tensors, input: tf.Tensor | readonly tf.Tensor[], target: tf.Tensor, factor: tf.Tensor): tf.Scalar;
}

export interface HeadBatch {
  readonly tokens: StackedTokens<HostArray>;
  /** Labels (B, H, W) int32, or depth (B, H, W) float32. */
  readonly target: HostArray;
}

/** A head in training; enough to continue. */
export interface HeadState {
  /** Iterations done. */
  readonly iteration: number;
  readonly parameters: HostArrays;
  readonly buffers: HostArrays;
  readonly m: HostArrays;
  readonly v: HostArrays;
}

/** How far a training of a head is. */
export interface HeadProgress {
  /** Iterations done, of `total`. */
  readonly iteration: number;
  readonly total: number;
  readonly loss: number;
  readonly learningRate: number;
  readonly iterationsPerSecond: number;
  readonly secondsLeft: number;
}

export interface TrainHeadOptions {
  readonly engine: Engine;
  readonly iterations: number;
  readonly optimizer: AdamWSettings;
  readonly learningRate: IterationSchedule;
  /** β₁; the optimizer's by default. */
  readonly momentum?: IterationSchedule;
  /** Handed to the loss; 1 by default. */
  readonly factor?: IterationSchedule;
  readonly onProgress?: (progress: HeadProgress) => void;
  /** Called every `checkpointEvery` iterations, with what `resume` takes. */
  readonly onCheckpoint?: (state: HeadState) => void | Promise<void>;
  readonly checkpointEvery?: number;
  /** Ends the training after the current iteration. */
  readonly signal?: AbortSignal;
}

/** Moments of zero for fresh parameters. */
export function initialHeadState(parameters: HostArrays, buffers: HostArrays): HeadState {
  const zeros = (): HostArrays =>
    Object.fromEntries(Object.entries(parameters).map(([name, { shape, data }]) => [name, { shape, data: new Float32Array(data.length) }]));
  return { iteration: 0, parameters, buffers, m: zeros(), v: zeros() };
}

type StepState<T> = Trained<Readonly<Record<string, T>>> & { readonly buffers: Readonly<Record<string, T>> };

/**
 * Train a head with AdamW, each iteration one compiled step.
 *
 * @param batch - the batch of an iteration; asked for one ahead of the step.
 * @throws EvaluationError when the loss stops being finite.
 */
export async function trainHead(
  head: HeadFunctions,
  start: HeadState,
  batch: (iteration: number) => Promise<HeadBatch>,
  options: TrainHeadOptions,
): Promise<HeadState> {
  const { engine, iterations, optimizer, learningRate, onProgress, onCheckpoint, checkpointEvery = 500 } = options;
  const { beta1, beta2, weightDecay } = optimizer;
  const names = Object.keys(start.parameters).sort();

  const step = jit(
    (state: StepState<tf.Tensor>, tokens: StackedTokens<tf.Tensor>, target: tf.Tensor, hyper: tf.Tensor, momentum: tf.Tensor, factor: tf.Tensor) => {
      const { input, buffers } = head.prepare(tokens, state.buffers);
      const loss = (...values: tf.Tensor[]) =>
        head.loss(Object.fromEntries(names.map((name, i) => [name, values[i]!])), input, target, factor);
      const { value, grads } = tf.valueAndGrads(loss)(names.map((name) => state.parameters[name]!));
      const gradients = Object.fromEntries(names.map((name, i) => [name, grads[i]!]));
      return { loss: value, state: { ...updateParameters(state, gradients, hyper, momentum, optimizer), buffers } };
    },
    { engine, donate: [0] },
  );

  const put = (arrays: HostArrays) =>
    Object.fromEntries(Object.entries(arrays).map(([name, { data, shape }]) => [name, engine.put(data, shape, 'float32')]));
  let state: StepState<DeviceArray> = {
    parameters: put(start.parameters),
    m: put(start.m),
    v: put(start.v),
    buffers: put(start.buffers),
  };
  let iteration = start.iteration;
  const began = performance.now();
  let pending = iteration < iterations ? batch(iteration) : undefined;
  try {
    while (pending !== undefined) {
      const { tokens, target } = await pending;
      const last = iteration + 1 === iterations || options.signal?.aborted === true;
      pending = last ? undefined : batch(iteration + 1);
      // Its failure is thrown where it is awaited.
      pending?.catch(() => {});

      const rate = learningRate(iteration);
      const momentum = options.momentum?.(iteration) ?? beta1;
      const t = iteration + 1;
      const hyper = Float32Array.of(rate, weightDecay, 1 / (1 - momentum ** t), 1 / (1 - beta2 ** t), 1, 1);
      const result = await step(state, tokens, target, { data: hyper, shape: [6] }, momentum, options.factor?.(iteration) ?? 1);
      state = result.state as StepState<DeviceArray>;
      const loss = (await result.loss.data())[0]!;
      result.loss.dispose();
      iteration = t;
      if (!Number.isFinite(loss)) {
        throw new EvaluationError(`the loss is ${loss} at iteration ${t} with learning rate ${rate}; pass a lower learning rate`);
      }
      if (onProgress !== undefined) {
        const perSecond = ((t - start.iteration) * 1000) / (performance.now() - began);
        onProgress({ iteration: t, total: iterations, loss, learningRate: rate, iterationsPerSecond: perSecond, secondsLeft: (iterations - t) / perSecond });
      }
      if (onCheckpoint !== undefined && (t % checkpointEvery === 0 || last)) await onCheckpoint(await read(state, t));
    }
    return await read(state, iteration);
  } finally {
    await pending?.catch(() => {});
    for (const arrays of [state.parameters, state.m, state.v, state.buffers]) for (const array of Object.values(arrays)) if (!array.isDisposed) array.dispose();
    step.dispose();
  }
}

async function read(state: StepState<DeviceArray>, iteration: number): Promise<HeadState> {
  const host = async (arrays: Readonly<Record<string, DeviceArray>>): Promise<HostArrays> => {
    const entries = Object.entries(arrays).map(async ([name, array]) => [name, { data: await array.data(), shape: array.shape }] as const);
    return Object.fromEntries(await Promise.all(entries));
  };
  return {
    iteration,
    parameters: await host(state.parameters),
    m: await host(state.m),
    v: await host(state.v),
    buffers: await host(state.buffers),
  };
}
