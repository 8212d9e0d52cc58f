import '@tensorflow/tfjs';
import { readFileSync } from 'node:fs';
import { type DeviceArray, eagerEngine, type HostArray, jit } from '@dinov2/jit';
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { expectAllclose } from '../../../tests/support/allclose';
import { uniform } from '../../../tests/support/hash';
import type { TrainerConfig } from './config';
import { microConfig } from './micro-config.testing';
import { createNorms, normNames } from './norms';
import { mapSubmodules, type Submodules, type TrainingState } from './state';
import { applyGradients, type StepScalars } from './update';

// tests/golden/optimizer.py: ten steps of torch.optim.AdamW with clipping, groups and a moving
// average, the fifth step skipped; its parameters and gradients are made again here.
const golden = JSON.parse(readFileSync(new URL('../../../tests/golden/data/optimizer.json', import.meta.url), 'utf8')) as {
  shapes: Submodules<number[]>;
  norms: [backbone: number, head: number][];
  student: number[][];
  teacher: number[][];
};
const config: TrainerConfig = { ...microConfig, accumulationSteps: 1 };
const skippedStep = 4;

/** A value for every parameter, in the order of the golden. */
function fill(fn: (index: number, size: number) => ArrayLike<number>): Submodules<HostArray> {
  let index = 0;
  return mapSubmodules(golden.shapes, (shape) => {
    const size = shape.reduce((a, b) => a * b, 1);
    return { data: Float32Array.from(fn(index++, size)), shape };
  });
}

const scalarsOf = (step: number, updates: number): StepScalars<number> => ({
  learningRate: (1e-2 * (step + 1)) / 10,
  lastLayerLearningRate: step < 3 ? 0 : (1e-2 * (step + 1)) / 10,
  weightDecay: 0.04 + 0.01 * step,
  teacherMomentum: 0.9 + 0.01 * step,
  teacherTemperature: 1,
  correction1: 1 / (1 - 0.9 ** (updates + 1)),
  correction2: 1 / (1 - 0.999 ** (updates + 1)),
});

/** In the order of the golden. */
const values = async (modules: Submodules<DeviceArray>): Promise<Float32Array[]> => {
  const arrays: DeviceArray[] = [];
  mapSubmodules(golden.shapes, (_, module, name) => arrays.push(modules[module]![name]));
  return Promise.all(arrays.map(async (array) => (await array.data()) as Float32Array));
};

beforeAll(() => tf.setBackend('cpu'));

describe('applyGradients', () => {
  const engine = eagerEngine({ backend: 'cpu' });
  const apply = jit(
    (state: TrainingState<tf.Tensor>, gradients: Submodules<tf.Tensor>, loss: tf.Scalar, scalars: StepScalars<tf.Tensor>) => {
      const { state: next, gradientNorms, applied } = applyGradients(config, state, gradients, undefined, { loss, scalars, count: 1 });
      return { state: next, values: tf.stack([gradientNorms.backbone!, gradientNorms.dinoHead!, applied]) };
    },
    { engine, donate: [0] },
  );
  const norms = jit(createNorms(config), { engine });
  const start = (): TrainingState<DeviceArray> => {
    const student = fill((index, size) => uniform(1 + index, size).map((x) => x - 0.5));
    const put = ({ data, shape }: HostArray): DeviceArray => engine.put(data, shape, 'float32');
    const zero = ({ data, shape }: HostArray): DeviceArray => engine.put(new Float32Array(data.length), shape, 'float32');
    return {
      student: mapSubmodules(student, put),
      teacher: mapSubmodules(student, put),
      m: mapSubmodules(student, zero),
      v: mapSubmodules(student, zero),
    };
  };
  const gradientsOf = (step: number): Submodules<HostArray> =>
    fill((index, size) => uniform(100 * (step + 1) + index, size).map((x) => 4 ** (step - 5) * (x - 0.5)));

  it('makes ten steps as PyTorch does, a skipped one among them', async () => {
    let state = start();
    let updates = 0;
    for (let step = 0; step < 10; step++) {
      const gradients = gradientsOf(step);
      if (step === skippedStep) (gradients.dinoHead['mlp.0.bias'].data as Float32Array)[2] = NaN;
      const result = await apply(state, gradients, 1, scalarsOf(step, updates));
      state = result.state;
      const [backbone, head, applied] = await result.values.data();
      expect(applied).toBe(step === skippedStep ? 0 : 1);
      updates += applied;
      // The norm is a float32 sum of squares.
      if (applied) expectAllclose([backbone, head], golden.norms[step], { rtol: 1e-6 });
    }
    // Ten float32 updates of parameters below 1 in size, each rounded to 2⁻²⁴.
    const tolerance = { rtol: 1e-6, atol: 1e-6 };
    (await values(state.student)).forEach((array, i) => expectAllclose(array, golden.student[i], tolerance));
    (await values(state.teacher)).forEach((array, i) => expectAllclose(array, golden.teacher[i], tolerance));
  });

  it.each([
    ['a gradient is NaN', NaN, 1],
    ['a gradient is infinite', Infinity, 1],
    ['the loss is NaN', 0, NaN],
  ])('returns the state bit for bit when %s', async (_, gradient, loss) => {
    let state = (await apply(start(), gradientsOf(5), 1, scalarsOf(5, 0))).state;
    const all = async () => (await Promise.all([state.student, state.teacher, state.m, state.v].map(values))).flat();
    const before = await all();
    const gradients = gradientsOf(6);
    (gradients.backbone['norm.bias'].data as Float32Array)[0] += gradient;
    state = (await apply(state, gradients, loss, scalarsOf(6, 1))).state;
    expect(await all()).toEqual(before);
  });

  it('reports the norm of parameters and of the update it made', async () => {
    const before = (await apply(start(), gradientsOf(5), 1, scalarsOf(5, 0))).state;
    const old = await values(before.student);
    const state = (await apply(before, gradientsOf(6), 1, scalarsOf(6, 1))).state;
    const now = await values(state.student);
    const names = normNames(['backbone', 'dinoHead']);
    const { student, m, v } = state;
    const reported = await (await norms({ student, m, v }, scalarsOf(6, 1))).data();
    const squares = (arrays: ArrayLike<number>[]): number => Math.sqrt(arrays.flatMap((a) => Array.from(a)).reduce((s, x) => s + x * x, 0));
    const updates = now.map((array, i) => array.map((x, j) => x - old[i][j]));
    const split = Object.keys(golden.shapes.backbone).length;
    const expected = {
      'parameterNorm.backbone': squares(now.slice(0, split)),
      'parameterNorm.dinoHead': squares(now.slice(split)),
      'updateNorm.backbone': squares(updates.slice(0, split)),
      'updateNorm.dinoHead': squares(updates.slice(split)),
    };
    // The differences taken here lose digits: updates of 1e-2 between parameters of 0.5.
    for (const [name, value] of Object.entries(expected)) expectAllclose([reported[names.indexOf(name)]], [value], { rtol: 1e-5 });
  });
});
