import '@tensorflow/tfjs';
import { eagerEngine, jit } from '@dinov2/jit';
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { expectAllclose } from '../../../tests/support/allclose';
import { assembleBatch } from './batch';
import { initialLossScale, nextLossScale } from './loss-scale';
import { microConfig } from './micro-config.testing';
import { initialState, initialStudent, nameArrays } from './state';
import { createStep } from './step';
import { syntheticCrops } from './synthetic-crops.testing';

beforeAll(() => tf.setBackend('cpu'));

describe('the loss scale', () => {
  it('halves where gradients overflow, down to 1, and doubles after 2000 good steps', () => {
    expect(nextLossScale(initialLossScale, false)).toEqual({ scale: 2 ** 15, steps: 0 });
    expect(nextLossScale({ scale: 1, steps: 5 }, false)).toEqual({ scale: 1, steps: 0 });
    let scale = { scale: 8, steps: 0 };
    for (let i = 0; i < 1999; i++) scale = nextLossScale(scale, true);
    expect(scale.scale).toBe(8);
    expect(nextLossScale(scale, true)).toEqual({ scale: 16, steps: 0 });
  });

  it('changes nothing of a step in float32 but the last bits', async () => {
    const engine = eagerEngine({ backend: 'cpu' });
    const config = { ...microConfig, model: { ...microConfig.model, layerScale: 1 } };
    const scalars = { learningRate: 1e-3, lastLayerLearningRate: 1e-3, weightDecay: 0.04, teacherMomentum: 0.99, teacherTemperature: 0.05, correction1: 10, correction2: 1000 };
    const step = jit(createStep(config).trainStep, { engine });
    const state = initialState(engine, config, initialStudent(config));
    const batch = assembleBatch(config, syntheticCrops(config, 0), 0);
    const plain = await step(state, undefined, batch, scalars);
    const scaled = await step(state, undefined, batch, { ...scalars, lossScale: 2 ** 10 });
    const expected = nameArrays(plain.state);
    for (const [name, array] of Object.entries(nameArrays(scaled.state))) expectAllclose(await array.data(), await expected[name].data(), { rtol: 1e-4, atol: 1e-7 });
    expectAllclose(await scaled.metrics.data(), await plain.metrics.data(), { rtol: 1e-5, atol: 1e-7 });
  });
});
