import '@tensorflow/tfjs';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type DeviceArray, type Engine, flattenTree, jit, mixedPrecision, type PrecisionPolicy } from '@dinov2/jit';
import { onnxEngine } from '@dinov2/engine-onnx';
import { createStep, createTrainer, type CropSource, initialState, initialStudent, type MetricsLine, metricNames, type TrainerConfig } from '@dinov2/trainer';
import * as tf from '@tensorflow/tfjs-core';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { expectAllclose } from '../../../tests/support/allclose';
import { assembleBatch } from '../../trainer/src/batch';
import { microConfig } from '../../trainer/src/micro-config.testing';
import { syntheticCrops } from '../../trainer/src/synthetic-crops.testing';
import { describeTensorflow, engine, tfjsNode } from './engine.testing';
import { tensorflowEngine } from './index';

const onnx = onnxEngine({ threads: 2 });
const folders: string[] = [];

beforeAll(() => tf.setBackend('cpu'));
afterAll(async () => {
  await onnx.dispose();
  for (const folder of folders) await rm(folder, { recursive: true });
});

// LayerScale 1e-5 on small random weights makes tokens nearly equal, and gradients of their
// normalised differences huge; at 1 every term has gradients of ordinary size.
const base: TrainerConfig = { ...microConfig, model: { ...microConfig.model, layerScale: 1 } };

const scalars = {
  learningRate: 1e-3,
  lastLayerLearningRate: 1e-3,
  weightDecay: 0.04,
  teacherMomentum: 0.99,
  teacherTemperature: 0.05,
  correction1: 10,
  correction2: 1000,
};

/** Metrics of some steps and all of the state after them. */
async function steps(engine: Engine, config: TrainerConfig, count: number, precision?: PrecisionPolicy) {
  const step = jit(createStep(config).trainStep, { engine, donate: [0], precision });
  let state = initialState(engine, config, initialStudent(config));
  const metrics: Float32Array[] = [];
  for (let i = 0; i < count; i++) {
    const batch = assembleBatch(config, syntheticCrops(config, i * config.batchSize), i);
    const result = await step(state, undefined, batch, scalars);
    state = result.state as typeof state;
    metrics.push((await result.metrics.data()) as Float32Array);
    result.metrics.dispose();
  }
  const { leaves } = flattenTree<unknown, DeviceArray>(state);
  const values = await Promise.all(leaves.map((leaf) => leaf.data()));
  leaves.forEach((leaf) => leaf.dispose());
  step.dispose();
  return { metrics, values };
}

describeTensorflow('a training step', () => {
  it.each<[string, Partial<TrainerConfig>]>([
    ['a shared head and Sinkhorn–Knopp', {}],
    ['separate heads and a centre', { ibot: { ...base.ibot, separateHead: true }, centering: 'centering' }],
    ['registers and SwiGLU', { model: { ...base.model, registers: 2, ffn: 'swiglu' } }],
  ])('gives what ONNX Runtime gives, with %s', async (_name, changes) => {
    const config = { ...base, ...changes };
    const expected = await steps(onnx, config, 3);
    const actual = await steps(await engine(), config, 3);
    actual.metrics.forEach((values, i) => expectAllclose(values, expected.metrics[i], { rtol: 2e-4, atol: 1e-5 }));
    // Adam divides gradients by their own size, so that one near 0 may change a weight by up to the learning rate.
    actual.values.forEach((values, i) => expectAllclose(values, expected.values[i], { rtol: 1e-3, atol: 1e-4 }));
  });

  it.each([
    ['bfloat16', false, 0.05],
    ['float16', false, 0.01],
    ['bfloat16', true, 0.05],
    ['float16', true, 0.01],
  ] as const)('keeps near float32 in %s, with kernels of that type: %s', async (type, halfKernels, tolerance) => {
    const expected = await steps(onnx, base, 3);
    const half = await tensorflowEngine({ tf: tfjsNode, halfKernels });
    const actual = await steps(half, base, 3, mixedPrecision(type));
    await half.dispose();
    const loss = metricNames([]).indexOf('loss');
    actual.metrics.forEach((values, i) => expect(Math.abs(values[loss] / expected.metrics[i][loss] - 1)).toBeLessThan(tolerance));
    expect(actual.metrics[2][loss]).not.toBe(expected.metrics[2][loss]);
  });

  it('feeds the batch and fetches the metrics: no array of the state leaves the session', async () => {
    const step = jit(createStep(base).trainStep, { engine: await engine(), donate: [0] });
    let state = initialState(await engine(), base, initialStudent(base));
    const counts: number[] = [];
    for (let i = 0; i < 3; i++) {
      const result = await step(state, undefined, assembleBatch(base, syntheticCrops(base, i), i), scalars);
      state = result.state as typeof state;
      result.metrics.dispose();
      counts.push(tf.memory().numTensors);
    }
    // Tensors of tfjs hold what is in host memory: after a step there are none.
    expect(new Set(counts).size).toBe(1);
    flattenTree<unknown, DeviceArray>(state).leaves.forEach((leaf) => leaf.dispose());
    step.dispose();
  });
});

const pictures: CropSource = {
  length: 7,
  async *open(config, firstSample) {
    for (let sample = firstSample; ; sample += config.batchSize) yield syntheticCrops(config, sample);
  },
};

async function train(engine: Engine, folder: string, config: TrainerConfig, until?: number, precision?: PrecisionPolicy): Promise<boolean> {
  const controller = new AbortController();
  const onStep = ({ iteration }: MetricsLine) => iteration + 1 === until && controller.abort();
  const trainer = await createTrainer(config, { engine, folder, data: pictures, signal: controller.signal, onStep, precision });
  try {
    return await trainer.run();
  } finally {
    trainer.dispose();
  }
}

const newFolder = async () => {
  folders.push(await mkdtemp(join(tmpdir(), 'tensorflow-training-')));
  return folders.at(-1) as string;
};

const losses = async (folder: string): Promise<number[]> =>
  (await readFile(join(folder, 'metrics.jsonl'), 'utf8')).trim().split('\n').map((line) => (JSON.parse(line) as { loss: number }).loss);

describeTensorflow('a trainer', () => {
  const config: TrainerConfig = { ...base, iterations: 20, checkpointEvery: 7 };

  it('trains for twenty steps like ONNX Runtime, and goes on from a checkpoint to the same bits', async () => {
    const [reference, whole, parts] = [await newFolder(), await newFolder(), await newFolder()];
    await train(onnx, reference, config);
    expect(await train(await engine(), whole, config)).toBe(true);
    // Differences of rounding grow with every step.
    expectAllclose(await losses(whole), await losses(reference), { rtol: 1e-3 });
    expect(await train(await engine(), parts, config, 9)).toBe(false);
    expect(await train(await engine(), parts, config)).toBe(true);
    expect(await losses(parts)).toEqual(await losses(whole));
    const state = (folder: string) => readFile(join(folder, 'checkpoints', '00000020', 'state.safetensors'), 'base64');
    expect(await state(parts)).toBe(await state(whole));
  });

  it('trains in float16 once the loss scale fits', async () => {
    const folder = await newFolder();
    expect(await train(await engine(), folder, config, undefined, mixedPrecision('float16'))).toBe(true);
    const lines = (await readFile(join(folder, 'metrics.jsonl'), 'utf8')).trim().split('\n').map((line) => JSON.parse(line) as Record<string, number>);
    // Random heads this small have gradients of norm 10^4: the scale of 2^16 is halved until they fit, and then every step counts.
    const begun = lines.findIndex(({ applied }) => applied === 1);
    expect(begun).toBeLessThan(16);
    expect(lines.map(({ applied }) => applied)).toEqual(lines.map((_, i) => (i < begun ? 0 : 1)));
    expect(lines.map(({ lossScale }) => lossScale)).toEqual(lines.map((_, i) => 2 ** (16 - Math.min(i, begun))));
    expect(lines.at(-1)?.loss).toBeLessThan(0.9 * lines[begun].loss);
  });

  it('accumulates gradients in one executable and applies them in another', async () => {
    const accumulating = { ...config, iterations: 4, accumulationSteps: 2 };
    const [reference, whole] = [await newFolder(), await newFolder()];
    await train(onnx, reference, accumulating);
    await train(await engine(), whole, accumulating);
    expectAllclose(await losses(whole), await losses(reference), { rtol: 1e-3 });
  });
});
