import '@tensorflow/tfjs';
import * as tf from '@tensorflow/tfjs-core';
import { eagerEngine, jit } from '@dinov2/jit';
import { beforeAll, describe, expect, it } from 'vitest';
import { assembleBatch } from './batch';
import type { TrainerConfig } from './config';
import { microConfig } from './micro-config';
import { initialState, initialStudent, nameArrays } from './state';
import { createStep, metricNames } from './step';
import { syntheticCrops } from './synthetic-crops';

const scalars = {
  learningRate: 1e-3, lastLayerLearningRate: 1e-3, weightDecay: 0.04, teacherMomentum: 0.99,
  teacherTemperature: 0.05, correction1: 10, correction2: 1000,
};

beforeAll(() => tf.setBackend('cpu'));

describe('trainStep', () => {
  it('traces', async () => {
    const engine = eagerEngine({ backend: 'cpu' });
    const step = jit(createStep(microConfig).trainStep, { engine, donate: [0, 1] });
    const state = initialState(engine, microConfig, initialStudent(microConfig));
    const t0 = performance.now();
    const batch = assembleBatch(microConfig, syntheticCrops(microConfig, 0), 0);
    const lowered = step.lower(state, undefined, batch, scalars);
    console.log(performance.now() - t0, lowered.cost.toString());
    const before = tf.memory().numTensors;
    const t1 = performance.now();
    const out = await step(state, undefined, batch, scalars);
    console.log(performance.now() - t1, tf.memory().numTensors - before);
    console.log(metricNames(['backbone', 'dinoHead']), await out.metrics.data());
    console.log(await nameArrays(out.state)['student.backbone.norm.weight'].data());
  });
});
export type { TrainerConfig };
