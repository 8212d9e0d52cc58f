import { squaredNorm } from '@dinov2/primitives';
import * as tf from '@tensorflow/tfjs-core';
import type { TrainerConfig } from './config';
import { type SubmoduleName, submoduleNames, type TrainingState } from './state';
import { groupHyperparameters, parameterGroup, type StepScalars } from './update';

/** Names of the values of {@link createNorms}, in order. */
export function normNames(modules: readonly SubmoduleName[]): string[] {
  return modules.flatMap((module) => [`parameterNorm.${module}`, `updateNorm.${module}`]);
}

/**
 * Norms of each submodule's parameters and of its last update, to be compiled and run at log lines
 * only: the update is worked out again from the state after the step, so that the step itself need
 * not hold it.
 *
 * With p' = (1 − a) p − u, u = lr · m̂ / (√v̂ + ε) and a = lr · weightDecay, the update p' − p is
 * −((1 + c) u + c p'), where c = a / (1 − a).
 *
 * @returns (2 · submodules), named by {@link normNames}.
 */
export function createNorms(config: TrainerConfig) {
  return (state: Pick<TrainingState<tf.Tensor>, 'student' | 'm' | 'v'>, scalars: StepScalars<tf.Tensor>): tf.Tensor => {
    const hyper = groupHyperparameters(config, scalars, () => [tf.scalar(1), tf.scalar(1)]);
    const norms = submoduleNames(state.student).flatMap((module) => {
      const parameters: tf.Tensor[] = [];
      const updates: tf.Tensor[] = [];
      for (const [name, parameter] of Object.entries(state.student[module]!)) {
        const [rate, decay, correction1, correction2] = tf.unstack(hyper(module, name));
        const mean = tf.mul(state.m[module]![name], tf.mul(rate, correction1));
        const deviation = tf.sqrt(tf.mul(state.v[module]![name], correction2));
        const step = tf.div(mean, tf.add(deviation, 1e-8));
        if (parameterGroup(config, module, name).weightDecay === 0) {
          updates.push(squaredNorm(step));
        } else {
          const shrink = tf.mul(rate, decay);
          const share = tf.div(shrink, tf.sub(1, shrink));
          updates.push(squaredNorm(tf.add(tf.mul(step, tf.add(share, 1)), tf.mul(parameter, share))));
        }
        parameters.push(squaredNorm(parameter));
      }
      return [tf.sqrt(tf.addN(parameters)), tf.sqrt(tf.addN(updates))];
    });
    return tf.stack(norms);
  };
}
