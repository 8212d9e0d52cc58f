import { augmentBatch } from '@dinov2/augment';
import { type Engine, type JitOptions, type PrecisionPolicy, scope } from '@dinov2/jit';
import { acrossShards } from '@dinov2/primitives';
import * as tf from '@tensorflow/tfjs-core';
import type { Batch } from './batch';
import type { TrainerConfig } from './config';
import { type Centres, mapSubmodules, type Model, type SubmoduleName, submoduleNames, type Submodules, type TrainingState } from './state';
import { type Crops, lossTermNames, type LossTerms, studentLoss } from './student-loss';
import { type Targets, teacherTargets } from './targets';
import { applyGradients, type StepScalars } from './update';

/** Gradients (times the loss scale, where there is one), next centres and metrics summed over the batches of one optimizer step. */
export type Sums<T> = {
  /** Of the submodules that learn. */
  readonly gradients: Partial<Submodules<T>>;
  readonly centres?: Centres<T>;
  /** (count), see {@link sumNames} */
  readonly metrics: T;
};

/** Scalars of a batch that are logged and not optimised. */
const statistics = {
  teacherEntropy: ({ dino }: Targets) => meanEntropy(dino),
};

/** What {@link Sums.metrics} holds, in order: the terms of the loss and the statistics. */
const sumNames = [...lossTermNames.map((name) => `${name}Loss`), ...Object.keys(statistics)];

/** Names of a step's metrics in the order of its `metrics` vector. */
export function metricNames(modules: readonly SubmoduleName[]): string[] {
  return [...sumNames, 'loss', 'applied', ...modules.map((module) => `gradientNorm.${module}`)];
}

export interface StepOptions {
  readonly backboneFrozen?: boolean;
}

/** How the functions of {@link createStep} are compiled, but for what they are given up. */
export function compileOptions({ shards }: Pick<TrainerConfig, 'shards'>, engine: Engine, precision?: PrecisionPolicy): JitOptions {
  // Argument 2 of both is the batch.
  return { engine, ...(precision && { precision }), ...(shards !== undefined && { shards: { count: shards, arguments: [2] } }) };
}

/** What a step returns. */
export type StepResult<T> = {
  readonly state: TrainingState<T>;
  /** (count), named by {@link metricNames} */
  readonly metrics: T;
};

/** The functions of one configuration to compile. All are pure. */
export interface StepFunctions {
  /**
   * One optimizer step: augmentation, teacher targets, student loss, gradients, clipping, AdamW and
   * teacher. `sums` are those of the batches before this one, if gradients are accumulated.
   */
  trainStep(
    state: TrainingState<tf.Tensor>,
    sums: Sums<tf.Tensor> | undefined,
    batch: Batch<tf.Tensor>,
    scalars: StepScalars<tf.Tensor>,
  ): StepResult<tf.Tensor>;
  /** Everything up to the gradients, added to the sums so far. */
  accumulateStep(
    model: Model<tf.Tensor>,
    sums: Sums<tf.Tensor> | undefined,
    batch: Batch<tf.Tensor>,
    scalars: StepScalars<tf.Tensor>,
  ): Sums<tf.Tensor>;
}

/**
 * The training step of a configuration, as functions of tensors.
 *
 * @param options.backboneFrozen - learn the heads only: no gradient passes through the backbone, and
 * student, teacher and moments of it come out bit for bit as they went in. Off by default.
 */
export function createStep(config: TrainerConfig, { backboneFrozen = false }: StepOptions = {}): StepFunctions {
  const accumulateStep: StepFunctions['accumulateStep'] = (model, sums, batch, scalars) => {
    const { backbone, ...heads } = model.student;
    const learning = backboneFrozen ? heads : { backbone, ...heads };
    const computed = computeGradients(config, model, learning, batch, scalars);
    return sums === undefined ? computed : scope('accumulate', () => addSums(sums, computed));
  };
  return {
    accumulateStep,
    trainStep(state, sums, batch, scalars) {
      const { gradients, centres, metrics } = accumulateStep(state, sums, batch, scalars);
      const count = config.accumulationSteps;
      const means = tf.mul(metrics, 1 / count);
      const loss = tf.sum(tf.slice(means, 0, lossTermNames.length)) as tf.Scalar;
      const nextCentres = centres && {
        dino: tf.mul(centres.dino, 1 / count),
        ibot: tf.mul(centres.ibot, 1 / count),
      };
      const result = applyGradients(config, state, gradients, nextCentres, { loss, scalars, count });
      const norms = submoduleNames(gradients).map((module) => result.gradientNorms[module]!);
      return {
        state: result.state,
        metrics: tf.concat([means, tf.stack([loss, result.applied, ...norms])]),
      };
    },
  };
}

function computeGradients(
  config: TrainerConfig,
  model: Model<tf.Tensor>,
  learning: Partial<Submodules<tf.Tensor>>,
  batch: Batch<tf.Tensor>,
  { teacherTemperature, lossScale }: StepScalars<tf.Tensor>,
): Sums<tf.Tensor> {
  const crops = scope('augment', (): Crops => ({
    globals: augmentBatch(batch.globalCrops as tf.Tensor4D, batch.globalAugmentation as tf.Tensor2D),
    locals: batch.localCrops && augmentBatch(batch.localCrops as tf.Tensor4D, batch.localAugmentation as tf.Tensor2D),
  }));
  const targets = teacherTargets(config, model, crops.globals, batch, teacherTemperature);

  const parameters: tf.Tensor[] = [];
  const places = mapSubmodules(learning, (parameter) => parameters.push(parameter) - 1);
  let terms: LossTerms | undefined;
  const gradients = tf.grads((...values: tf.Tensor[]) => {
    const student = { ...model.student, ...mapSubmodules(places, (place) => values[place]) };
    terms = studentLoss(config, student, crops, batch, targets);
    // They are read after the gradient's own tidy has ended.
    Object.values(terms).forEach((term) => tf.keep(term));
    const loss = tf.addN(Object.values(terms));
    return lossScale === undefined ? loss : tf.mul(loss, lossScale);
  })(parameters);

  const metrics = tf.stack([
    ...lossTermNames.map((name) => terms![name]),
    ...Object.values(statistics).map((statistic) => statistic(targets)),
  ]);
  tf.dispose(terms as tf.NamedTensorMap);
  return {
    gradients: mapSubmodules(places, (place) => acrossShards(gradients[place])),
    centres: targets.nextCentres && { dino: acrossShards(targets.nextCentres.dino), ibot: acrossShards(targets.nextCentres.ibot) },
    metrics: acrossShards(metrics),
  };
}

function addSums(a: Sums<tf.Tensor>, b: Sums<tf.Tensor>): Sums<tf.Tensor> {
  return {
    gradients: mapSubmodules(a.gradients, (x, module, name) => tf.add(x, b.gradients[module]![name])),
    centres: a.centres && { dino: tf.add(a.centres.dino, b.centres!.dino), ibot: tf.add(a.centres.ibot, b.centres!.ibot) },
    metrics: tf.add(a.metrics, b.metrics),
  };
}

/** Mean over rows of −Σ p log p; ln K for uniform rows, 0 for certain ones. */
function meanEntropy(probabilities: tf.Tensor): tf.Scalar {
  const logs = tf.log(tf.maximum(probabilities, 1e-30));
  return tf.mul(tf.sum(tf.mul(probabilities, logs)), -1 / probabilities.shape[0]);
}
