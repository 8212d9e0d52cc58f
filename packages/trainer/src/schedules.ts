import { imagesPerStep, type TrainerConfig } from './config';
import { TrainerError } from './errors';

/** A hyperparameter as a function of the iteration, counted from 0. */
export type Schedule = (iteration: number) => number;

export interface CosineSchedule {
  /** Value after the warm-up. */
  readonly base: number;
  /** Value approached at `total`, and held from there on. */
  readonly final: number;
  readonly total: number;
  /** Iterations of linear warm-up from `start` to `base`, both ends included; 0 by default. */
  readonly warmup?: number;
  /** 0 by default. */
  readonly start?: number;
  /** Iterations of value 0 before the warm-up; 0 by default. */
  readonly freeze?: number;
}

/**
 * Zero for `freeze` iterations, a linear warm-up, then half a cosine wave from `base` to `final`.
 *
 * The warm-up reaches `base` at its last iteration and the cosine starts with it, so `base` comes
 * twice; `final` is first reached at `total`. This is the reference trainer's scheduler.
 *
 * @throws TrainerError if freeze and warm-up are longer than the whole.
 */
export function cosineSchedule({ base, final, total, warmup = 0, start = 0, freeze = 0 }: CosineSchedule): Schedule {
  if (freeze + warmup > total) {
    throw new TrainerError(
      `A warm-up of ${warmup} and a freeze of ${freeze} iterations do not fit into ${total}; shorten them or train longer.`,
    );
  }
  const cosineLength = total - warmup - freeze;
  return (iteration) => {
    if (iteration < freeze) return 0;
    if (iteration >= total) return final;
    const warm = iteration - freeze;
    if (warm < warmup) return warmup === 1 ? start : start + ((base - start) * warm) / (warmup - 1);
    return final + ((base - final) / 2) * (1 + Math.cos((Math.PI * (warm - warmup)) / cosineLength));
  };
}

/** Peak learning rate for a batch: `base · √(images / 1024)`, the rule `sqrt_wrt_1024`. */
export function scaledLearningRate(base: number, imagesPerStep: number): number {
  return base * Math.sqrt(imagesPerStep / 1024);
}

/** The values that change from one iteration to the next. */
export interface Schedules {
  readonly learningRate: Schedule;
  /** Of the prototype layers: the learning rate, 0 while they are frozen. */
  readonly lastLayerLearningRate: Schedule;
  /** Of the backbone, where it is frozen at first: 0, then the learning rate times a second warm-up. */
  readonly backboneLearningRate?: Schedule;
  readonly weightDecay: Schedule;
  readonly teacherMomentum: Schedule;
  readonly teacherTemperature: Schedule;
}

/** All schedules of a run. A frozen last layer has learning rate 0; its moments still accumulate. */
export function createSchedules(config: Pick<TrainerConfig, 'iterations' | 'batchSize' | 'shards' | 'accumulationSteps' | 'optimizer' | 'teacher'>): Schedules {
  const { iterations: total, optimizer, teacher } = config;
  const { warmupIterations: warmup, freezeBackboneIterations: frozen = 0 } = optimizer;
  const learningRate = cosineSchedule({
    base: scaledLearningRate(optimizer.baseLearningRate, imagesPerStep(config)),
    final: optimizer.minLearningRate,
    total,
    warmup,
  });
  // Both ends included, as in the warm-up of everything else.
  const rampUp: Schedule = (sinceThaw) => (warmup === 0 ? 1 : Math.min(1, sinceThaw / Math.max(1, warmup - 1)));
  return {
    learningRate,
    lastLayerLearningRate: (iteration) =>
      iteration < optimizer.freezeLastLayerIterations ? 0 : learningRate(iteration),
    ...(frozen > 0 && {
      backboneLearningRate: (iteration: number) =>
        iteration < frozen ? 0 : rampUp(iteration - frozen) * learningRate(iteration),
    }),
    weightDecay: cosineSchedule({ base: optimizer.weightDecay, final: optimizer.weightDecayEnd, total }),
    teacherMomentum: cosineSchedule({ base: teacher.momentum, final: teacher.momentumEnd, total }),
    // A warm-up only, as long as itself, and constant from there on.
    teacherTemperature: cosineSchedule({
      base: teacher.temperature,
      final: teacher.temperature,
      total: teacher.temperatureWarmupIterations,
      warmup: teacher.temperatureWarmupIterations,
      start: teacher.warmupTemperature,
    }),
  };
}
