import { scope } from '@dinov2/jit';
import { adamW, ema, squaredNorm } from '@dinov2/primitives';
import * as tf from '@tensorflow/tfjs-core';
import type { TrainerConfig } from './config';
import { backboneGroup, groupKey, headGroup, type ParameterGroup } from './parameter-groups';
import { mapSubmodules, type SubmoduleName, submoduleNames, type Submodules, type TrainingState } from './state';

/** Values of one iteration, scalars. */
export type StepScalars<T> = {
  readonly learningRate: T;
  readonly lastLayerLearningRate: T;
  readonly weightDecay: T;
  readonly teacherMomentum: T;
  readonly teacherTemperature: T;
  /** 1 / (1 − β₁ᵗ) and 1 / (1 − β₂ᵗ) for the t-th applied update, t = 1, 2, … */
  readonly correction1: T;
  readonly correction2: T;
  /** What the loss was multiplied by before its gradients were taken, for number formats of a small range. */
  readonly lossScale?: T;
  /** The backbone's own values where it was frozen at first; its updates count from the first one. */
  readonly backbone?: { readonly learningRate: T; readonly correction1: T; readonly correction2: T };
};

export function parameterGroup(config: TrainerConfig, module: SubmoduleName, name: string): ParameterGroup {
  if (module !== 'backbone') return headGroup(name);
  const { layerwiseDecay, patchEmbedMultiplier } = config.optimizer;
  return backboneGroup(name, { depth: config.model.depth, layerwiseDecay, patchEmbedMultiplier });
}

/** Gradient norms before clipping, and whether the update is applied (1) or skipped (0). */
export interface Applied {
  readonly state: TrainingState<tf.Tensor>;
  readonly gradientNorms: Partial<Record<SubmoduleName, tf.Scalar>>;
  readonly applied: tf.Scalar;
}

/**
 * Clip each submodule's gradient, update the student with AdamW and the teacher towards the student.
 *
 * If the loss or a gradient is not finite, the state is returned bit for bit as it was, teacher and
 * centres included. So are, in student, moments and teacher, submodules without gradients: they are frozen.
 *
 * @param gradients - sums over `count` batches, times the loss scale.
 */
export function applyGradients(
  config: TrainerConfig,
  state: TrainingState<tf.Tensor>,
  gradients: Partial<Submodules<tf.Tensor>>,
  nextCentres: TrainingState<tf.Tensor>['centres'],
  { loss, scalars, count }: { loss: tf.Scalar; scalars: StepScalars<tf.Tensor>; count: number },
): Applied {
  const { clipGradient, beta1, beta2 } = config.optimizer;
  const modules = submoduleNames(gradients);
  const inverse = scalars.lossScale === undefined ? 1 / count : tf.div(1 / count, scalars.lossScale);

  const gradientNorms: Partial<Record<SubmoduleName, tf.Scalar>> = scope('gradient norms', () =>
    Object.fromEntries(
      modules.map((module) => {
        const squares = Object.values(gradients[module]!).map((gradient) => squaredNorm(gradient));
        return [module, tf.mul(tf.sqrt(tf.addN(squares)), inverse)];
      }),
    ),
  );
  const applied = scope('finite', () => {
    const everything = tf.addN([loss, ...modules.map((module) => gradientNorms[module]!)]);
    return tf.cast(tf.isFinite(everything), 'float32') as tf.Scalar;
  });

  const hyper = groupHyperparameters(config, scalars, (module) => {
    // clip_grad_norm_ of PyTorch, epsilon included; the sum over batches becomes their mean here.
    const coefficient = tf.div(clipGradient, tf.add(gradientNorms[module]!, 1e-6));
    return [tf.mul(tf.minimum(coefficient, 1), inverse), applied];
  });
  const student: Partial<Record<SubmoduleName, Record<string, tf.Tensor>>> = { ...state.student };
  const m: typeof student = { ...state.m };
  const v: typeof student = { ...state.v };
  scope('adamw', () => {
    for (const module of modules) {
      [student[module], m[module], v[module]] = [{}, {}, {}];
      for (const [name, gradient] of Object.entries(gradients[module]!)) {
        const next = adamW(
          { param: state.student[module]![name], m: state.m[module]![name], v: state.v[module]![name] },
          gradient,
          hyper(module, name),
          { beta1, beta2 },
        );
        student[module]![name] = next.param;
        m[module]![name] = next.m;
        v[module]![name] = next.v;
      }
    }
  });

  // A skipped step keeps the teacher exactly: momentum 1, and the student is finite and unchanged.
  const isApplied = tf.greater(applied, 0);
  const momentum = tf.where(isApplied, scalars.teacherMomentum, tf.onesLike(scalars.teacherMomentum));
  const teacher = scope('ema', () =>
    mapSubmodules(state.teacher, (target, module, name) =>
      // A mean of equal numbers may be rounded away from them.
      gradients[module] === undefined ? target : ema(target, student[module]![name], momentum),
    ),
  );
  const keep = (next: tf.Tensor, old: tf.Tensor): tf.Tensor => tf.where(isApplied, next, old);
  return {
    state: {
      student: student as Submodules<tf.Tensor>,
      teacher,
      m: m as Submodules<tf.Tensor>,
      v: v as Submodules<tf.Tensor>,
      ...(nextCentres && {
        centres: {
          dino: keep(nextCentres.dino, state.centres!.dino),
          ibot: keep(nextCentres.ibot, state.centres!.ibot),
        },
      }),
    },
    gradientNorms,
    applied,
  };
}

/**
 * AdamW's six values for a parameter, made once for each group of equal factors: the group's
 * learning rate and weight decay, the two bias corrections, and the two values of `last`.
 */
export function groupHyperparameters(
  config: TrainerConfig,
  scalars: StepScalars<tf.Tensor>,
  last: (module: SubmoduleName) => readonly [gradientScale: tf.Tensor, apply: tf.Tensor],
): (module: SubmoduleName, name: string) => tf.Tensor {
  const shared = new Map<string, tf.Tensor>();
  const once = (key: string, make: () => tf.Tensor): tf.Tensor => {
    const tensor = shared.get(key) ?? make();
    shared.set(key, tensor);
    return tensor;
  };
  return (module, name) => {
    const group = parameterGroup(config, module, name);
    const { learningRate, correction1, correction2 } = (module === 'backbone' && scalars.backbone) || scalars;
    const base = once(`${module} ${group.lastLayer}`, () =>
      tf.stack([
        group.lastLayer ? scalars.lastLayerLearningRate : learningRate,
        scalars.weightDecay,
        correction1,
        correction2,
        ...last(module),
      ]),
    );
    return once(`${module} ${groupKey(group)}`, () =>
      tf.mul(base, tf.tensor1d([group.learningRate, group.weightDecay, 1, 1, 1, 1])),
    );
  };
}
