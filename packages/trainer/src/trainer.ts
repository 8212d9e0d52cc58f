// Gradients of tfjs operations are registered by the umbrella package only.
import '@tensorflow/tfjs';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { type DeviceArray, type Engine, flattenTree, formatPath, type HostArray, jit, meshSize, type PrecisionPolicy } from '@dinov2/jit';
import { forwardFeatures, type Parameters } from '@dinov2/vit';
import { saveBackbone, writeSafetensors } from '@dinov2/weights';
import { max, type Tensor } from '@tensorflow/tfjs-core';
import type { Batch } from './batch';
import { BatchQueue, type QueuedBatch } from './batch-queue';
import { type FoundCheckpoint, findCheckpoint, type Progress, saveCheckpoint } from './checkpoint';
import { imagesPerStep, type TrainerConfig } from './config';
import { configDifference } from './config-difference';
import { checkConfig, writeConfig } from './config-file';
import type { CropSource } from './crop-source';
import { drawStudent } from './draw-student';
import { TrainerError } from './errors';
import { initialLossScale, nextLossScale } from './loss-scale';
import { type MetricsLine, MetricsLog } from './metrics-log';
import { createNorms, normNames } from './norms';
import { lockFolder } from './run-lock';
import { createSchedules, type Schedules } from './schedules';
import { initialState, nameArrays, readArrays, restoreState, storable, type SubmoduleName, submoduleNames, type Submodules, type TrainingState } from './state';
import { compileOptions, createStep, metricNames } from './step';
import type { StepScalars } from './update';

/** What a run looks at while it trains. */
export interface Evaluation {
  /** Iterations done. */
  readonly iteration: number;
  /** The teacher's backbone by official name. Valid until the callback returns. */
  readonly backbone: Readonly<Record<string, DeviceArray>>;
  /** The same on the host; of several processes, all have to ask. */
  readBackbone(): Promise<Record<string, HostArray & { data: Float32Array }>>;
  /** Class tokens (B, D) of the teacher for normalised images (B, H, W, 3). */
  extractFeatures(images: HostArray): Promise<{ data: Float32Array; shape: readonly number[] }>;
}

export interface TrainerOptions {
  readonly engine: Engine;
  /** The run's folder; made if it is missing. */
  readonly folder: string;
  readonly data: CropSource;
  /** Number format of the step; float32 by default. */
  readonly precision?: PrecisionPolicy;
  /**
   * Weights to start from instead of drawn ones, by official name: a backbone, and heads if there are
   * some. Asked for only if the folder holds no checkpoint.
   */
  readonly initialWeights?: () => Promise<Partial<Submodules<HostArray>>>;
  /** Continue a run whose configuration or data differ from the given ones. Off by default. */
  readonly allowChanges?: boolean;
  /** When it aborts, the run saves a checkpoint after the current step and ends. */
  readonly signal?: AbortSignal;
  /** Called after every iteration. */
  readonly onStep?: (line: MetricsLine) => void;
  /** Called every `evaluateEvery` iterations. */
  readonly onEvaluate?: (evaluation: Evaluation) => Promise<void>;
  /** Called for what does not stop a run: a damaged checkpoint, an unreadable image, a skipped step. */
  readonly onWarning?: (message: string) => void;
}

/** A run, ready to go on. */
export interface Trainer {
  /** Iterations done. */
  readonly iteration: number;
  /** Train to the end of the configuration; `false` if the signal ended it earlier. */
  run(): Promise<boolean>;
  /** The model as it stands, for looking at it before or after {@link Trainer.run}. */
  evaluation(): Evaluation;
  /** Free everything on the engine, and give the folder back to other processes. */
  dispose(): void;
}

/**
 * Open a run: continue from the newest checkpoint of its folder, or start.
 *
 * @throws TrainerError if the model has rotary positions, shards do not fit the engine's devices, a schedule does not fit the length of the
 * run, the folder holds a run of another configuration or other data, another process trains in it, or the processes that train together
 * do not train the same.
 */
export async function createTrainer(config: TrainerConfig, options: TrainerOptions): Promise<Trainer> {
  const { engine, folder, data, onWarning = () => {} } = options;
  // Their periods are no weights to learn, and the zeros in their key biases have to stay.
  if (config.model.positions === 'rope') {
    throw new TrainerError('A model with rotary positions (DINOv3) runs, and is not trained yet; set model.positions to "table".');
  }
  checkShards(config, engine);
  const schedules = createSchedules(config);
  await mkdir(folder, { recursive: true });
  // Of several processes the first one writes; what it renames it has renamed before the others look.
  const { hosts } = engine;
  const first = (hosts?.index ?? 0) === 0;
  const unlock = first ? lockFolder(folder, onWarning) : () => {};
  try {
    if (!first) await hosts!.barrier('the run folder is looked through');
    const found = await findCheckpoint(join(folder, 'checkpoints'), onWarning);
    if (found !== undefined && options.allowChanges !== true) refuseChanges(found, config, data.length, folder);
    if (first) {
      await writeConfig(folder, config);
      await hosts?.barrier('the run folder is looked through');
    } else await checkConfig(folder, config, hosts!.index);
    const state =
      found === undefined
        ? initialState(engine, config, await drawStudent(config, await options.initialWeights?.()))
        : await restoreState(engine, config, found.state);
    const { iteration, updates, frozenUpdates, skippedInARow, lossScale = initialLossScale } = found?.manifest ?? { iteration: 0, updates: 0, skippedInARow: 0 };
    const log = first ? await MetricsLog.open(folder, iteration) : undefined;
    return new Run(config, options, schedules, log, unlock, found?.manifest.iteration, state, {
      iteration,
      updates,
      frozenUpdates,
      skippedInARow,
      ...(options.precision?.scalesLoss && { lossScale }),
    });
  } catch (error) {
    unlock();
    throw error;
  }
}

function checkShards({ shards = 1 }: TrainerConfig, { mesh, hosts }: Engine): void {
  const devices = mesh === undefined ? 1 : meshSize(mesh);
  if (hosts !== undefined && devices % hosts.count !== 0) {
    throw new TrainerError(`A mesh of ${devices} devices does not take equally many from each of ${hosts.count} processes; name a mesh of all their devices.`);
  }
  if (shards % devices === 0) return;
  throw new TrainerError(`${shards} shards do not spread over ${devices} devices; set shards to ${devices} or a multiple of it.`);
}

function refuseChanges({ manifest }: FoundCheckpoint, config: TrainerConfig, dataLength: number, folder: string): void {
  const changes = configDifference(manifest.config, config);
  if (manifest.dataLength !== dataLength) changes.push(`images in the data: ${manifest.dataLength} -> ${dataLength}`);
  if (changes.length === 0) return;
  throw new TrainerError(
    `${folder} holds a run at iteration ${manifest.iteration} that differs in ${changes.join('; ')}. ` +
      'Train in another folder, or allow changes to continue this one with the new values.',
  );
}

/** The compiled step of the frozen or of the whole model. */
class Phase {
  /** What learns. */
  readonly modules: readonly SubmoduleName[];
  readonly trainStep;
  readonly accumulateStep;
  /** Whether a step has been made. */
  begun = false;

  constructor(
    config: TrainerConfig,
    engine: Engine,
    modules: readonly SubmoduleName[],
    readonly backboneFrozen: boolean,
    precision: PrecisionPolicy | undefined,
  ) {
    this.modules = backboneFrozen ? modules.filter((name) => name !== 'backbone') : modules;
    const functions = createStep(config, { backboneFrozen });
    const common = compileOptions(config, engine, precision);
    this.trainStep = jit(functions.trainStep, { ...common, donate: [0, 1, 2] });
    this.accumulateStep = jit(functions.accumulateStep, { ...common, donate: [1, 2] });
  }

  dispose(): void {
    this.trainStep.dispose();
    this.accumulateStep.dispose();
  }
}

class Run implements Trainer {
  private readonly modules: readonly SubmoduleName[];
  private phase: Phase;
  private readonly norms;
  private readonly features;
  private readonly anyOf;
  private readonly warn: (message: string) => void;
  /** Milliseconds and images since the last log line. */
  private window = { total: 0, waiting: 0, images: 0 };

  constructor(
    private readonly config: TrainerConfig,
    private readonly options: TrainerOptions,
    private readonly schedules: Schedules,
    /** Absent in processes that do not write. */
    private readonly log: MetricsLog | undefined,
    private readonly unlock: () => void,
    /** Iterations done at the newest checkpoint. */
    private saved: number | undefined,
    private state: TrainingState<DeviceArray>,
    private progress: Progress,
  ) {
    const { engine } = options;
    this.modules = submoduleNames(state.student);
    this.phase = new Phase(config, engine, this.modules, this.backboneFrozen, options.precision);
    this.norms = jit(createNorms(config), { engine });
    this.features = jit((backbone: Parameters, images: Tensor) => forwardFeatures(backbone, config.model, images).clsToken, { engine });
    this.anyOf = jit((flags: Tensor) => max(flags), { engine });
    this.warn = options.onWarning ?? (() => {});
  }

  get iteration(): number {
    return this.progress.iteration;
  }

  private get backboneFrozen(): boolean {
    return this.iteration < (this.config.optimizer.freezeBackboneIterations ?? 0);
  }

  async run(): Promise<boolean> {
    const { config, options } = this;
    const batches = new BatchQueue(config, options, this.iteration, this.warn);
    try {
      while (this.iteration < config.iterations) {
        await this.step(batches);
        const { iteration } = this;
        const ended = iteration === config.iterations;
        const stopped = await this.isAskedToStop();
        if (ended || stopped || iteration % config.checkpointEvery === 0) await this.save();
        if (config.evaluateEvery > 0 && iteration % config.evaluateEvery === 0) {
          await options.onEvaluate?.(this.evaluation());
        }
        if (stopped && !ended) return false;
      }
    } catch (error) {
      throw this.amongHosts(error as Error);
    } finally {
      await batches.close();
    }
    await this.exportWeights();
    return true;
  }

  /** A failure of the engine where several processes train together: most often another one is gone. */
  private amongHosts(error: Error): Error {
    const { hosts } = this.options.engine;
    if (hosts === undefined || error instanceof TrainerError) return error;
    const saved = this.saved === undefined ? 'There is no checkpoint yet' : `The checkpoint of iteration ${this.saved} is good`;
    return new TrainerError(
      `Iteration ${this.iteration} failed in process ${hosts.index} of ${hosts.count} that train together: ${error.message.replace(/\.$/, '')}. ` +
        `${saved}. Start all processes again and the run continues, also on fewer devices.`,
      { cause: error },
    );
  }

  /** Whether the signal has come; of several processes, whether to one of them, which they tell each other every `logEvery` steps. */
  private async isAskedToStop(): Promise<boolean> {
    const { engine, signal } = this.options;
    const aborted = signal?.aborted === true;
    const { hosts } = engine;
    if (hosts === undefined || engine.putRows === undefined) return aborted;
    if (this.iteration % this.config.logEvery !== 0) return false;
    const rows = (this.config.shards ?? 1) / hosts.count;
    const flags = engine.putRows(new Float32Array(rows).fill(aborted ? 1 : 0), [rows], 'float32');
    const any = await this.anyOf(flags);
    const [value] = await any.data();
    for (const array of [flags, any]) array.dispose();
    return value === 1;
  }

  evaluation(): Evaluation {
    const { backbone } = this.state.teacher;
    return {
      iteration: this.iteration,
      backbone,
      readBackbone: async () => {
        const { arrays, free } = await this.gathered(backbone);
        const read = await readArrays(arrays);
        free();
        return read;
      },
      extractFeatures: async (images) => {
        const features = await this.features(backbone, images);
        const { shape } = features;
        const data = (await features.data()) as Float32Array;
        features.dispose();
        return { data, shape };
      },
    };
  }

  dispose(): void {
    for (const array of Object.values(nameArrays(this.state))) array.dispose();
    for (const compiled of [this.phase, this.norms, this.features, this.anyOf]) compiled.dispose();
    this.unlock();
  }

  private async step(batches: BatchQueue): Promise<void> {
    const { config, progress, state } = this;
    const { iteration } = progress;
    const count = config.accumulationSteps;
    const scalars = this.scalars();
    if (this.phase.backboneFrozen !== this.backboneFrozen) {
      this.phase.dispose();
      this.phase = new Phase(config, this.options.engine, this.modules, this.backboneFrozen, this.options.precision);
    }
    const { phase } = this;
    const started = performance.now();
    const next = async (number: number): Promise<QueuedBatch> => {
      const waited = performance.now();
      const batch = await batches.take(number);
      this.window.waiting += performance.now() - waited;
      return batch;
    };
    let sums: Awaited<ReturnType<typeof phase.accumulateStep>> | undefined;
    for (let i = 0; i < count - 1; i++) {
      const { student, teacher, centres } = state;
      const { arrays } = await next(iteration * count + i);
      await this.compileFirst(phase.accumulateStep, { student, teacher, centres }, sums, arrays, scalars);
      const running = phase.accumulateStep({ student, teacher, centres }, sums, arrays, scalars);
      batches.lookAhead();
      sums = await running;
    }
    const batch = await next(iteration * count + count - 1);
    await this.compileFirst(phase.trainStep, state, sums, batch.arrays, scalars);
    const running = phase.trainStep(state, sums, batch.arrays, scalars);
    if (iteration + 1 < config.iterations) batches.lookAhead();
    const result = await running;
    phase.begun = true;
    this.state = result.state;
    const values = await readValues(result.metrics, metricNames(phase.modules));
    const applied = values.applied === 1;
    const { lossScale } = progress;
    // The loss was scaled too far: a smaller scale is the remedy, not the end of the run.
    const overflow = !applied && lossScale !== undefined && lossScale.scale > 1;
    this.progress = {
      ...(lossScale && { lossScale: nextLossScale(lossScale, applied) }),
      iteration: iteration + 1,
      updates: progress.updates + (applied ? 1 : 0),
      frozenUpdates: phase.backboneFrozen ? (progress.frozenUpdates ?? 0) + (applied ? 1 : 0) : progress.frozenUpdates,
      skippedInARow: applied ? 0 : progress.skippedInARow + (overflow ? 0 : 1),
    };
    this.window.total += performance.now() - started;
    this.window.images += imagesPerStep(config);

    await this.report(values, scalars);
    if (overflow) this.warn(`Iteration ${iteration} was skipped: a gradient left the range of ${this.options.precision!.name}. The loss scale falls from ${lossScale.scale} to ${this.progress.lossScale!.scale}.`);
    else if (!applied) await this.skipped(batch.host, values);
  }

  /** In the first step of a phase, compile ahead and off the clock: the first images/s would tell of that only. */
  private async compileFirst<A extends readonly unknown[]>(
    compiled: { compile(...args: A): Promise<unknown> },
    ...args: A
  ): Promise<void> {
    if (this.phase.begun) return;
    const started = performance.now();
    await compiled.compile(...args);
    this.window.total -= performance.now() - started;
  }

  private scalars(): StepScalars<number> {
    const { iteration, updates, frozenUpdates = 0, lossScale } = this.progress;
    const { beta1, beta2 } = this.config.optimizer;
    const { learningRate, lastLayerLearningRate, backboneLearningRate, weightDecay, teacherMomentum, teacherTemperature } = this.schedules;
    // For the update that follows `past` others.
    const corrections = (past: number) => ({ correction1: 1 / (1 - beta1 ** (past + 1)), correction2: 1 / (1 - beta2 ** (past + 1)) });
    return {
      learningRate: learningRate(iteration),
      lastLayerLearningRate: lastLayerLearningRate(iteration),
      weightDecay: weightDecay(iteration),
      teacherMomentum: teacherMomentum(iteration),
      teacherTemperature: teacherTemperature(iteration),
      ...corrections(updates),
      ...(lossScale && { lossScale: lossScale.scale }),
      ...(backboneLearningRate && {
        backbone: { learningRate: backboneLearningRate(iteration), ...corrections(updates - frozenUpdates) },
      }),
    };
  }

  private async report(values: Readonly<Record<string, number>>, scalars: StepScalars<number>): Promise<void> {
    const { config, options, window } = this;
    const { correction1: _1, correction2: _2, backbone, ...schedule } = scalars;
    const iteration = this.iteration - 1;
    const images = this.iteration * imagesPerStep(config);
    const line = {
      iteration,
      images,
      epoch: images / options.data.length,
      ...values,
      ...schedule,
      ...(backbone && { backboneLearningRate: backbone.learningRate }),
      imagesPerSecond: (1000 * window.images) / window.total,
      dataWaitShare: window.waiting / window.total,
    };
    if (this.iteration % config.logEvery === 0 || this.iteration === config.iterations) {
      const { student, m, v } = this.state;
      const norms = await readValues(await this.norms({ student, m, v }, scalars), normNames(this.modules));
      if (values.applied !== 1) for (const module of this.modules) norms[`updateNorm.${module}`] = 0;
      this.log?.write({ ...line, memoryBytes: process.memoryUsage.rss(), ...norms });
      this.window = { total: 0, waiting: 0, images: 0 };
    }
    options.onStep?.(line);
  }

  private async skipped(batch: Batch<HostArray>, values: Readonly<Record<string, number>>): Promise<void> {
    const { skippedInARow } = this.progress;
    const iteration = this.iteration - 1;
    const what = `Iteration ${iteration} was skipped: its loss is ${values.loss}, its gradient norms ${this.phase.modules
      .map((module) => `${module} ${values[`gradientNorm.${module}`]}`)
      .join(', ')}`;
    this.warn(`${what}. Weights, moments and teacher are unchanged.`);
    if (skippedInARow < 3) return;
    const { hosts } = this.options.engine;
    const path = join(this.options.folder, `skipped-batch-${iteration}${hosts === undefined ? '' : `-of-${hosts.index}`}.safetensors`);
    await saveBatch(path, batch);
    const { accumulationSteps } = this.config;
    const whose = accumulationSteps === 1 ? 'Its batch' : `The last of its ${accumulationSteps} batches (the fault may be in another)`;
    const saved = this.saved === undefined ? 'there is no checkpoint yet' : `the checkpoint of iteration ${this.saved} is good`;
    throw new TrainerError(
      `${what}. It is the third in a row, so the run stops. ${whose} is in ${path}; ${saved}. ` +
        'Look at the batch, or train with a lower learning rate or a longer warm-up.',
    );
  }

  private async save(): Promise<void> {
    const { config, options, progress, state } = this;
    const folder = join(options.folder, 'checkpoints');
    const { hosts } = options.engine;
    await saveCheckpoint(folder, { ...progress, dataLength: options.data.length }, config, storable(nameArrays(state), hosts !== undefined), hosts);
    this.saved = progress.iteration;
  }

  /** The teacher's weights with the official names. */
  private async exportWeights(): Promise<void> {
    const { engine, folder } = this.options;
    const { arrays, free } = await this.gathered(this.state.teacher);
    if ((engine.hosts?.index ?? 0) === 0) await this.writeWeights(folder, arrays);
    free();
  }

  /** Arrays of which this process holds all: where other hosts hold parts, copies that all of them make together. */
  private async gathered<T extends object>(arrays: T): Promise<{ arrays: T; free(): void }> {
    const { engine } = this.options;
    if (engine.hosts === undefined) return { arrays, free() {} };
    const copies = await jit((tree: object) => tree, { engine })(arrays);
    return { arrays: copies as T, free: () => flattenTree<unknown, DeviceArray>(copies).leaves.forEach((array) => array.dispose()) };
  }

  private async writeWeights(folder: string, { backbone, dinoHead, ibotHead }: Submodules<DeviceArray>): Promise<void> {
    const prefixed = (prefix: string, record: Readonly<Record<string, DeviceArray>> = {}): Record<string, DeviceArray> =>
      Object.fromEntries(Object.entries(record).map(([name, array]) => [`${prefix}.${name}`, array]));
    await saveBackbone(join(folder, 'backbone.safetensors'), { config: this.config.model, parameters: await readArrays(backbone) });
    await writeSafetensors(
      join(folder, 'heads.safetensors'),
      storable({ ...prefixed('dino_head', dinoHead), ...prefixed('ibot_head', ibotHead) }),
      { format: 'pt' },
    );
  }
}

async function saveBatch(path: string, batch: Batch<HostArray>): Promise<void> {
  const { leaves, paths } = flattenTree<typeof batch, HostArray>(batch);
  const tensors = leaves.map(({ data, shape }, i) => [
    formatPath(paths[i], 'batch'),
    { data, shape, ...(data instanceof Uint8Array && { dtype: 'BOOL' as const }) },
  ]);
  await writeSafetensors(path, Object.fromEntries(tensors));
}

async function readValues(array: DeviceArray, names: readonly string[]): Promise<Record<string, number>> {
  const values = await array.data();
  array.dispose();
  return Object.fromEntries(names.map((name, i) => [name, values[i]]));
}
