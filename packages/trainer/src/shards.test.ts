import '@tensorflow/tfjs';
import { type DeviceArray, eagerEngine, type Engine, type HostArray, jit } from '@dinov2/jit';
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { expectAllclose } from '../../../tests/support/allclose';
import { assembleBatch, type Batch, batchSpecs, stackBatches } from './batch';
import type { TrainerConfig } from './config';
import { microConfig } from './micro-config.testing';
import { initialState, initialStudent, nameArrays, stateSharding, type TrainingState } from './state';
import { createStep } from './step';
import { syntheticCrops } from './synthetic-crops.testing';
import { createTrainer } from './trainer';

const engine = eagerEngine({ backend: 'cpu' });
beforeAll(() => tf.setBackend('cpu'));

const base: TrainerConfig = { ...microConfig, model: { ...microConfig.model, layerScale: 1 } };
const scalars = { learningRate: 1e-3, lastLayerLearningRate: 1e-3, weightDecay: 0.04, teacherMomentum: 0.99, teacherTemperature: 0.05, correction1: 10, correction2: 1000 };
const batchOf = (number: number): Batch<HostArray> => assembleBatch(base, syntheticCrops(base, number * base.batchSize), number);
const start = (config: TrainerConfig): TrainingState<DeviceArray> => initialState(engine, config, initialStudent(config));

describe('a step of several shards', () => {
  it('is the step that averages the gradients of one batch after the other, with centres', async () => {
    const config: TrainerConfig = { ...base, centering: 'centering', ibot: { ...base.ibot, separateHead: true } };
    const batches = [batchOf(0), batchOf(1)];

    const accumulating = createStep({ ...config, accumulationSteps: 2 });
    const { student, teacher, centres, ...moments } = start(config);
    const sums = await jit(accumulating.accumulateStep, { engine })({ student, teacher, centres }, undefined, batches[0], scalars);
    const expected = await jit(accumulating.trainStep, { engine })({ student, teacher, centres, ...moments }, sums, batches[1], scalars);

    const sharded = jit(createStep(config).trainStep, { engine, shards: { count: 2, arguments: [2] } });
    const stacked = stackBatches(batches);
    expect(stacked.globalCrops.shape).toEqual([2, ...batches[0].globalCrops.shape]);
    expect(batchSpecs({ ...config, shards: 2 }).globalCrops.shape).toEqual(stacked.globalCrops.shape);
    const actual = await sharded(start(config), undefined, stacked, scalars);

    const arrays = nameArrays(actual.state);
    for (const [name, array] of Object.entries(nameArrays(expected.state))) {
      expectAllclose(await arrays[name].data(), await array.data(), { rtol: 1e-4, atol: 1e-6 });
    }
    expectAllclose(await actual.metrics.data(), await expected.metrics.data(), { rtol: 1e-4, atol: 1e-6 });
  });

  it('maps every configuration of the step', () => {
    const changes: Partial<TrainerConfig>[] = [{}, { ibot: { ...base.ibot, lossWeight: 0 } }, { crops: { ...base.crops, localCount: 0 } }, { model: { ...base.model, registers: 2, ffn: 'swiglu' } }];
    for (const change of changes) {
      const config = { ...base, ...change, shards: 2 };
      const step = jit(createStep(config).trainStep, { engine, shards: { count: 2, arguments: [2] } });
      expect(() => step.lower(start(config), undefined, batchSpecs(config), scalars)).not.toThrow();
    }
  });
});

describe('a mesh', () => {
  const on = (mesh: Record<string, number>, count: number): Engine => ({ ...engine, mesh, hosts: { index: 0, count, barrier: () => Promise.resolve() } });
  const open = (shards: number, spread: Engine) => createTrainer({ ...base, shards }, { engine: spread, folder: 'is not made', data: { length: 1, open: () => expect.unreachable() } });

  it('has to fit the shards and the processes', async () => {
    await expect(open(4, on({ data: 1, fsdp: 8 }, 1))).rejects.toThrow(/4 shards do not spread over 8 devices; set shards to 8/);
    await expect(open(3, on({ data: 1, fsdp: 3 }, 2))).rejects.toThrow(/A mesh of 3 devices does not take equally many from each of 2 processes/);
  });
});

describe('stateSharding', () => {
  it('splits matrices along the first axis that divides, and keeps vectors whole', () => {
    const mesh = { data: 2, fsdp: 4 };
    expect(stateSharding([8, 6], mesh)).toEqual([['fsdp'], []]);
    expect(stateSharding([6, 8], mesh)).toEqual([[], ['fsdp']]);
    expect(stateSharding([6, 6], mesh)).toBeUndefined();
    expect(stateSharding([8], mesh)).toBeUndefined();
    expect(stateSharding([1, 1, 8], mesh)).toBeUndefined();
    expect(stateSharding([8, 8], { data: 4, fsdp: 1 })).toBeUndefined();
    expect(stateSharding([8, 8], undefined)).toBeUndefined();
  });
});
