import '@tensorflow/tfjs';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { eagerEngine, type HostArray, jit } from '@dinov2/jit';
import { initialize, initializeHead } from '@dinov2/vit';
import { readSafetensors } from '@dinov2/weights';
import * as tf from '@tensorflow/tfjs-core';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { expectAllclose } from '../../../tests/support/allclose';
import { assembleBatch } from './batch';
import type { TrainerConfig } from './config';
import type { CropSource } from './crop-source';
import { TrainerError } from './errors';
import type { MetricsLine } from './metrics-log';
import { microConfig } from './micro-config.testing';
import { initialState, initialStudent, nameArrays } from './state';
import { createStep, metricNames } from './step';
import { syntheticCrops } from './synthetic-crops.testing';
import { createTrainer, type TrainerOptions } from './trainer';

const frozenFor = 3;
const config: TrainerConfig = {
  ...microConfig,
  iterations: 6,
  checkpointEvery: 1,
  keepCheckpoints: 6,
  init: 'released',
  model: { ...microConfig.model, depth: 1, layerScale: 1 },
  optimizer: { ...microConfig.optimizer, freezeBackboneIterations: frozenFor },
};
const data: CropSource = {
  length: 7,
  async *open(given, firstSample) {
    for (let sample = firstSample; ; sample += given.batchSize) yield syntheticCrops(given, sample);
  },
};
const eager = eagerEngine({ backend: 'cpu' });
/** Weights other than those that the seed of the configuration draws. */
const backbone = initialize(config.model, 77);

let root: string;
let folder: string;
let runs = 0;
beforeAll(async () => {
  await tf.setBackend('cpu');
  root = await mkdtemp(join(tmpdir(), 'freeze-'));
});
afterAll(() => rm(root, { recursive: true }));
beforeEach(() => {
  folder = join(root, String(runs++));
});

async function train(changes: Partial<TrainerConfig> = {}, options: Partial<TrainerOptions> = {}): Promise<MetricsLine[]> {
  const lines: MetricsLine[] = [];
  const trainer = await createTrainer(
    { ...config, ...changes },
    { engine: eager, folder, data, initialWeights: async () => ({ backbone }), onStep: (line) => lines.push(line), ...options },
  );
  try {
    await trainer.run();
  } finally {
    trainer.dispose();
  }
  return lines;
}

const stateAt = async (iteration: number): Promise<Record<string, Float32Array>> => {
  const { tensors } = await readSafetensors(join(folder, 'checkpoints', String(iteration).padStart(8, '0'), 'state.safetensors'));
  return Object.fromEntries(Object.entries(tensors).map(([name, { data: values }]) => [name, values as Float32Array]));
};
const ofBackbone = (state: Record<string, Float32Array>) => Object.entries(state).filter(([name]) => name.includes('.backbone.'));

describe('a step with the backbone frozen', () => {
  const scalars = {
    learningRate: 1e-3, lastLayerLearningRate: 1e-3, weightDecay: 0.04, teacherMomentum: 0.99, teacherTemperature: 0.05,
    correction1: 10, correction2: 1000,
  };

  it('leaves the backbone bit for bit and moves the heads as the whole step does', async () => {
    const changes = { ibot: { ...config.ibot, separateHead: true }, centering: 'centering' as const };
    const one = { ...config, ...changes };
    const outcome = async (backboneFrozen: boolean) => {
      const step = jit(createStep(one, { backboneFrozen }).trainStep, { engine: eager, donate: [0] });
      const batch = assembleBatch(one, syntheticCrops(one, 0), 0);
      const { state, metrics } = await step(initialState(eager, one, initialStudent(one)), undefined, batch, scalars);
      const values = await Promise.all(Object.entries(nameArrays(state)).map(async ([name, array]) => [name, Float32Array.from(await array.data())] as const));
      return { state: Object.fromEntries(values), metrics: [...(await metrics.data())] };
    };
    const before = initialStudent(one);
    const frozen = await outcome(true);
    for (const [name, { data: drawn }] of Object.entries(before.backbone)) {
      expect(frozen.state[`student.backbone.${name}`], name).toEqual(drawn);
      expect(frozen.state[`teacher.backbone.${name}`], name).toEqual(drawn);
      expect(frozen.state[`m.backbone.${name}`].every((value) => value === 0), name).toBe(true);
      expect(frozen.state[`v.backbone.${name}`].every((value) => value === 0), name).toBe(true);
    }
    const whole = await outcome(false);
    expect(metricNames(['dinoHead', 'ibotHead'])).not.toContain('gradientNorm.backbone');
    const names = metricNames(['backbone', 'dinoHead', 'ibotHead']);
    const withoutBackbone = whole.metrics.filter((_value, i) => names[i] !== 'gradientNorm.backbone');
    // The same sums, which an engine may take in another order once the graph is another one.
    expectAllclose(frozen.metrics, withoutBackbone, { rtol: 1e-5, atol: 1e-6 });
    for (const [name, values] of Object.entries(whole.state)) {
      if (name.includes('.backbone.')) continue;
      // AdamW divides a gradient by its size, so that rounding of a small one is a share of the rate.
      expectAllclose(frozen.state[name], values, { rtol: 1e-4, atol: name.startsWith('m') || name.startsWith('v') ? 1e-7 : 2e-5 });
    }
    expect(frozen.state['student.dinoHead.mlp.0.weight']).not.toEqual(before.dinoHead['mlp.0.weight'].data);
  });
});

describe('a run that begins with weights', () => {
  it('keeps the backbone still, decay and teacher included, and then trains it', async () => {
    const lines = await train();
    for (const iteration of [1, frozenFor]) {
      const state = await stateAt(iteration);
      for (const [name, values] of ofBackbone(state)) {
        const [part, , ...rest] = name.split('.');
        const kept = part === 'm' || part === 'v' ? new Float32Array(values.length) : backbone[rest.join('.')].data;
        expect(values, `${name} after ${iteration}`).toEqual(kept);
      }
    }
    const start = await stateAt(1);
    const frozen = await stateAt(frozenFor);
    // The first iteration has a learning rate of 0.
    expect(frozen['student.dinoHead.mlp.0.weight']).not.toEqual(start['student.dinoHead.mlp.0.weight']);
    expect(frozen['teacher.dinoHead.mlp.0.weight']).not.toEqual(start['teacher.dinoHead.mlp.0.weight']);
    const end = await stateAt(config.iterations);
    for (const part of ['student', 'teacher', 'm', 'v']) {
      const name = `${part}.backbone.blocks.0.attn.qkv.weight`;
      expect(end[name], name).not.toEqual(frozen[name]);
    }
    expect(lines.map((line) => line['backboneLearningRate'] === 0)).toEqual([true, true, true, true, false, false]);
    expect(lines.map((line) => 'gradientNorm.backbone' in line)).toEqual([false, false, false, true, true, true]);
    const log = (await readFile(join(folder, 'metrics.jsonl'), 'utf8')).trim().split('\n').map((line) => JSON.parse(line) as MetricsLine);
    expect(log.map((line) => line['updateNorm.backbone'] === 0)).toEqual([true, true, true, true, false, false]);
    expect(log[0]['parameterNorm.backbone']).toBeGreaterThan(0);
  });

  it('counts the updates of the backbone from its first one', async () => {
    // Without warm-up, decay and clipping the first update of AdamW is the learning rate, whatever the gradient.
    const optimizer = {
      ...config.optimizer, warmupIterations: 0, freezeLastLayerIterations: 0, weightDecay: 0, weightDecayEnd: 0,
      clipGradient: 1e9, layerwiseDecay: 1, patchEmbedMultiplier: 1,
    };
    const [, , , line] = await train({ optimizer, iterations: frozenFor + 1 });
    const before = await stateAt(frozenFor);
    const after = await stateAt(frozenFor + 1);
    const name = 'student.backbone.blocks.0.mlp.fc2.weight';
    const moved = after[name].map((value, i) => Math.abs(value - before[name][i]));
    // Two float32 subtractions of values around 0.02, of which the smallest digit is 2e-9.
    expectAllclose(moved, moved.map(() => line['backboneLearningRate']), { rtol: 1e-3 });
  });

  it('continues to the same bits when stopped while frozen, at the thaw, and after it', async () => {
    await train();
    const expected = await stateAt(config.iterations);
    const log = async () =>
      (await readFile(join(folder, 'metrics.jsonl'), 'utf8')).trim().split('\n').map((line) => {
        const { iteration, loss, backboneLearningRate, 'updateNorm.backbone': update } = JSON.parse(line) as MetricsLine;
        return { iteration, loss, backboneLearningRate, update };
      });
    const expectedLog = await log();
    folder = `${folder}-stopped`;
    for (const stop of [2, frozenFor, frozenFor + 1]) {
      const controller = new AbortController();
      await train({}, { signal: controller.signal, onStep: (line) => line.iteration + 1 === stop && controller.abort() });
    }
    await train();
    expect(await stateAt(config.iterations)).toEqual(expected);
    expect(await log()).toEqual(expectedLog);
  });

  it('works with accumulated batches, and frees what it holds', async () => {
    const before = tf.memory().numTensors;
    await train({ accumulationSteps: 2, iterations: frozenFor + 2 });
    await new Promise(setImmediate);
    expect(tf.memory().numTensors).toBe(before);
    const frozen = await stateAt(frozenFor);
    expect(frozen['student.backbone.norm.weight']).toEqual(backbone['norm.weight'].data);
    expect((await stateAt(frozenFor + 2))['student.backbone.norm.weight']).not.toEqual(backbone['norm.weight'].data);
  });

  it('is refused with rotary positions', async () => {
    await expect(train({ model: { ...config.model, positions: 'rope' } })).rejects.toThrow(/rotary positions \(DINOv3\) runs, and is not trained yet/);
  });

  it('asks for the weights at its start only, and refuses others', async () => {
    const controller = new AbortController();
    await train({}, { signal: controller.signal, onStep: () => controller.abort() });
    const gone = async (): Promise<never> => {
      throw new Error('the file is gone');
    };
    await expect(train({ init: 'others' }, { initialWeights: gone })).rejects.toThrow(/differs in init: "released" -> "others"/);
    expect(await train({}, { initialWeights: gone })).toHaveLength(config.iterations - 1);
  });
});

describe('heads to start from', () => {
  const head = { inputDim: config.model.embedDim, ...config.dino.head };
  const separate = { ibot: { ...config.ibot, separateHead: true } };
  const ibot = { inputDim: config.model.embedDim, ...config.ibot.head };

  it('replace drawn ones in student and teacher', async () => {
    const weights = { backbone, dinoHead: initializeHead(head, 5), ibotHead: initializeHead(ibot, 6) };
    const student = initialStudent({ ...config, ...separate }, weights);
    expect(student).toEqual(weights);
    const drawn: Record<string, HostArray> = initialStudent(config, { backbone }).dinoHead;
    expect(drawn['mlp.0.weight']).not.toEqual(weights.dinoHead['mlp.0.weight']);
  });

  it.each<[string, Partial<TrainerConfig>, Parameters<typeof initialStudent>[1], RegExp]>([
    ['of other sizes', {}, { dinoHead: initializeHead({ ...head, prototypes: 9, layers: 2 }, 0) },
      /dino head .*dino\.head\.prototypes is 24, in the weights 9; dino\.head\.layers is 3, in the weights 2\. Set the values/],
    ['of another width', {}, { dinoHead: initializeHead({ ...head, inputDim: 12 }, 0) }, /dino\.head\.inputDim is 16, in the weights 12/],
    ['that are separate where one is wanted', {}, { dinoHead: initializeHead(head, 0), ibotHead: initializeHead(ibot, 0) }, /set ibot\.separateHead to true/],
    ['that are one where two are wanted', separate, { dinoHead: initializeHead(head, 0) }, /set ibot\.separateHead to false/],
    ['that lack a tensor', {}, { dinoHead: {} }, /dino head to start from does not fit: parameter "mlp\.0\.weight"/],
  ])('are refused %s', (_, changes, weights, message) => {
    const start = () => initialStudent({ ...config, ...changes }, weights);
    expect(start).toThrow(TrainerError);
    expect(start).toThrow(message);
  });
});
