import '@tensorflow/tfjs';
import { augmentBatch, augmentColumnCount } from '@dinov2/augment';
import { type DeviceArray, eagerEngine, type HostArray, jit } from '@dinov2/jit';
import { applyHead, forwardFeatures } from '@dinov2/vit';
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { expectAllclose } from '../../../tests/support/allclose';
import { assembleBatch, type Batch, batchSpecs, type CropBatch } from './batch';
import type { TrainerConfig } from './config';
import { microConfig } from './micro-config.testing';
import { initialState, initialStudent, nameArrays, stateSpecs, type TrainingState } from './state';
import { createStep, metricNames } from './step';
import { lossTermNames } from './student-loss';
import { syntheticCrops } from './synthetic-crops.testing';

const scalars = {
  learningRate: 1e-3,
  lastLayerLearningRate: 1e-3,
  weightDecay: 0.04,
  teacherMomentum: 0.99,
  teacherTemperature: 0.05,
  correction1: 10,
  correction2: 1000,
};
const engine = eagerEngine({ backend: 'cpu' });
const start = (config: TrainerConfig): TrainingState<DeviceArray> => initialState(engine, config, initialStudent(config));
const batchOf = (config: TrainerConfig, number = 0): Batch<HostArray> =>
  assembleBatch(config, syntheticCrops(config, number * config.batchSize), number);
const read = async (state: TrainingState<DeviceArray>): Promise<Record<string, Float32Array>> =>
  Object.fromEntries(
    await Promise.all(Object.entries(nameArrays(state)).map(async ([name, array]) => [name, (await array.data()) as Float32Array])),
  );

// LayerScale 1e-5 on small random weights makes tokens nearly equal, and gradients of their
// normalised differences huge; at 1 every term has gradients of ordinary size.
const base: TrainerConfig = { ...microConfig, model: { ...microConfig.model, layerScale: 1 } };

beforeAll(() => tf.setBackend('cpu'));

describe('trainStep', () => {
  it.each<[string, Partial<TrainerConfig>]>([
    ['a shared head and Sinkhorn–Knopp', {}],
    ['separate heads and a centre', { ibot: { ...base.ibot, separateHead: true }, centering: 'centering' }],
    ['no iBOT', { ibot: { ...base.ibot, lossWeight: 0 } }],
    ['no masks', { ibot: { ...base.ibot, maskProbability: 0 } }],
    ['a separate head and no masks', { ibot: { ...base.ibot, separateHead: true, maskProbability: 0 }, centering: 'centering' }],
    // 0.4 of two rows is less than one.
    ['a separate head and too few rows for a mask', { batchSize: 1, ibot: { ...base.ibot, separateHead: true, maskProbability: 0.4 } }],
    ['no local crops', { crops: { ...base.crops, localCount: 0 } }],
    ['neither drop path nor KoLeo', { dropPath: { rate: 0, uniform: true }, dino: { ...base.dino, koleoWeight: 0 } }],
    ['registers and SwiGLU', { model: { ...base.model, registers: 2, ffn: 'swiglu' } }],
  ])('runs with %s', async (_, changes) => {
    const config = { ...base, ...changes };
    const step = jit(createStep(config).trainStep, { engine, donate: [0] });
    const { state, metrics } = await step(start(config), undefined, batchOf(config), scalars);
    const values = await metrics.data();
    const names = metricNames(Object.keys(state.student) as never);
    const value = (name: string): number => values[names.indexOf(name)];
    expect(values).toHaveLength(names.length);
    expect(value('applied')).toBe(1);
    const terms = names.filter((name) => name.endsWith('Loss'));
    expect(terms).toEqual(lossTermNames.map((name) => `${name}Loss`));
    expect(value('loss')).toBeCloseTo(terms.map(value).reduce((a, b) => a + b), 4);
    // Cross-entropies of what is compared are positive, terms that are off are 0.
    const { ibot, crops } = config;
    expect(value('dinoGlobalLoss')).toBeGreaterThan(0);
    expect(value('dinoLocalLoss') > 0).toBe(crops.localCount > 0);
    expect(value('ibotLoss') > 0).toBe(ibot.lossWeight > 0 && Math.floor(2 * config.batchSize * ibot.maskProbability) > 0);
    expect(state.student.ibotHead !== undefined).toBe(ibot.separateHead && value('ibotLoss') > 0);
    // A crop alone in its batch has no neighbour.
    expect(value('koleoLoss') !== 0).toBe(config.dino.koleoWeight > 0 && config.batchSize > 1);
    expect(value('teacherEntropy')).toBeLessThan(Math.log(config.dino.head.prototypes) + 1e-5);
    for (const array of Object.values(await read(state))) expect(array.every(Number.isFinite)).toBe(true);
  });

  it('holds the same number of arrays after every step', async () => {
    const step = jit(createStep(base).trainStep, { engine, donate: [0] });
    let state = start(base);
    const counts: number[] = [];
    for (let i = 0; i < 3; i++) {
      const result = await step(state, undefined, batchOf(base, i), scalars);
      state = result.state;
      result.metrics.dispose();
      counts.push(tf.memory().numTensors);
    }
    expect(counts[1]).toBe(counts[0]);
    expect(counts[2]).toBe(counts[0]);
  });

  it('leaves the state as it was when a picture makes the loss NaN', async () => {
    const config: TrainerConfig = { ...base, centering: 'centering' };
    const step = jit(createStep(config).trainStep, { engine, donate: [0] });
    let { state } = await step(start(config), undefined, batchOf(config), scalars);
    const before = await read(state);
    const batch = batchOf(config, 1);
    (batch.globalCrops.data as Float32Array)[0] = NaN;
    const result = await step(state, undefined, batch, scalars);
    expect((await result.metrics.data())[metricNames([]).indexOf('applied')]).toBe(0);
    expect(await read(result.state)).toEqual(before);
    ({ state } = await step(result.state, undefined, batchOf(config, 2), scalars));
    expect(await read(state)).not.toEqual(before);
  });

  it('moves the centres by a tenth of the mean teacher logits, padding left out', async () => {
    const config: TrainerConfig = { ...base, centering: 'centering' };
    const step = jit(createStep(config).trainStep, { engine, donate: [0] });
    const batch = batchOf(config);
    const { backbone, dinoHead } = initialStudent(config); // the teacher of the first step
    const tensors = (record: Readonly<Record<string, HostArray>>) =>
      Object.fromEntries(Object.entries(record).map(([name, { data, shape }]) => [name, tf.tensor(data, [...shape])]));
    const tensor = ({ data, shape }: HostArray): tf.Tensor => tf.tensor(data, [...shape]);
    const crops = augmentBatch(tensor(batch.globalCrops) as tf.Tensor4D, tensor(batch.globalAugmentation) as tf.Tensor2D);
    const { clsToken, patchTokens } = forwardFeatures(tensors(backbone), config.model, crops);
    const head = { inputDim: config.model.embedDim, ...config.dino.head };
    const logits = (tokens: tf.Tensor): tf.Tensor => applyHead(tensors(dinoHead), head, tokens);
    const masked = [...batch.maskIndices.data].filter((_, i) => batch.maskWeights.data[i] > 0);
    expect(masked.length).toBeLessThan(batch.maskIndices.shape[0]); // there is padding to leave out
    const patches = tf.gather(tf.reshape(patchTokens, [-1, config.model.embedDim]), tf.tensor1d(masked, 'int32'));

    const { state } = await step(start(config), undefined, batch, scalars);
    for (const [name, tokens] of [['dino', clsToken], ['ibot', patches]] as const) {
      const expected = await tf.mul(tf.mean(logits(tokens), 0), 0.1).data();
      expectAllclose((await state.centres![name].data()) as Float32Array, expected, { rtol: 1e-4, atol: 1e-6 });
    }
  });

  it('traces from shapes alone, for a dry run', () => {
    const step = jit(createStep(base).trainStep, { engine, donate: [0] });
    const specs = Object.fromEntries(Object.keys(scalars).map((name) => [name, { shape: [], dtype: 'float32' as const }]));
    const lowered = step.lower(stateSpecs(base), undefined, batchSpecs(base), specs as never);
    expect(lowered.graph.toString()).toBe(step.lower(start(base), undefined, batchOf(base), scalars).graph.toString());
  });
});

/** The images `from` of a batch of crops: rows are crop-major. */
function images(crops: CropBatch, batchSize: number, from: number): CropBatch {
  const pick = <T extends Float32Array | Uint8Array>(data: T, rows: number): T => {
    const size = data.length / rows;
    const parts: T[] = [];
    for (let row = from; row < rows; row += batchSize) parts.push(data.slice(row * size, (row + 1) * size) as T);
    const joined = data.slice(0, parts.length * size) as T;
    parts.forEach((part, i) => joined.set(part, i * size));
    return joined;
  };
  const rows = crops.globalAugmentation.length / augmentColumnCount;
  const localRows = crops.localAugmentation.length / augmentColumnCount;
  return {
    globalCrops: pick(crops.globalCrops, rows),
    localCrops: pick(crops.localCrops, localRows),
    globalAugmentation: pick(crops.globalAugmentation, rows),
    localAugmentation: pick(crops.localAugmentation, localRows),
  };
}

describe('accumulateStep', () => {
  it('makes one step of two batches that equals a step of both together', async () => {
    // KoLeo, Sinkhorn–Knopp and drop path couple the images of a batch.
    const small: TrainerConfig = {
      ...base,
      batchSize: 1,
      accumulationSteps: 2,
      centering: 'centering',
      dropPath: { rate: 0, uniform: true },
      dino: { ...base.dino, koleoWeight: 0 },
    };
    const large: TrainerConfig = { ...small, batchSize: 2, accumulationSteps: 1 };
    const crops = syntheticCrops(large, 0);
    const patches = (base.crops.globalSize / base.model.patchSize) ** 2;
    // The first crop of each image is masked at three patches, so the iBOT centre is a mean of equal parts.
    const masked = [1, 5, 6];
    const masks = (config: TrainerConfig): Partial<Batch<HostArray>> => {
      const rows = 2 * config.batchSize;
      const data = new Uint8Array(rows * patches);
      const indices: number[] = [];
      for (let row = 0; row < config.batchSize; row++) {
        for (const patch of masked) {
          data[row * patches + patch] = 1;
          indices.push(row * patches + patch);
        }
      }
      const shape = [indices.length];
      return {
        masks: { data, shape: [rows, patches] },
        maskIndices: { data: Int32Array.from(indices), shape },
        maskWeights: { data: new Float32Array(indices.length).fill(1 / masked.length), shape },
        maskValid: { data: new Float32Array(indices.length).fill(1), shape },
      };
    };
    const whole = { ...assembleBatch(large, crops, 0), ...masks(large) };
    const parts = [0, 1].map((image) => ({ ...assembleBatch(small, images(crops, 2, image), image), ...masks(small) }));

    const expected = await jit(createStep(large).trainStep, { engine, donate: [0] })(start(large), undefined, whole, scalars);
    const { accumulateStep, trainStep } = createStep(small);
    const state = start(small);
    const { student, teacher, centres } = state;
    const sums = await jit(accumulateStep, { engine, donate: [1] })({ student, teacher, centres }, undefined, parts[0], scalars);
    const result = await jit(trainStep, { engine, donate: [0, 1] })(state, sums, parts[1], scalars);

    // Sums of float32 in another order.
    expectAllclose((await result.metrics.data()) as Float32Array, (await expected.metrics.data()) as Float32Array, { rtol: 1e-5 });
    const ours = await read(result.state);
    for (const [name, values] of Object.entries(await read(expected.state))) {
      // Adam divides a gradient by its size: where it is 0 (the keys' bias) rounding decides the sign.
      if (/qkv\.bias$/.test(name)) continue;
      const largest = values.reduce((a, b) => Math.max(a, Math.abs(b)), 0);
      expectAllclose(ours[name], values, { rtol: 1e-4, atol: 1e-4 * largest });
    }
  });
});
