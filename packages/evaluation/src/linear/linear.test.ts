import '@tensorflow/tfjs';
import { onnxEngine } from '@dinov2/engine-onnx';
import { eagerEngine, type Engine } from '@dinov2/jit';
import * as tf from '@tensorflow/tfjs-core';
import { afterAll, describe, expect, it } from 'vitest';
import golden from '../../../../tests/golden/data/linear-probe.json';
import { expectAllclose } from '../../../../tests/support/allclose';
import { symmetric } from '../../../../tests/support/golden';
import { order } from '../../../../tests/support/hash';
import { accuracy, meanPerClassAccuracy, topKAccuracy } from '../metrics/accuracy';
import { predictedClasses } from '../metrics/scores';
import { type LinearBatch, type LinearTable, orderedBatches, shuffledBatches } from './batches';
import { evaluateLinear, linearClassifier, linearScores } from './evaluate';
import { type LinearOptions, type LinearProgress, type LinearState, trainLinear } from './train';

// The sizes of tests/golden/linear_probe.py.
const classes = 5;
const dim = 6;
const blocks = 4;
const batchSize = 8;
const iterations = 60;
const learningRates = [0.3, 3, 30];

/** Columns of (rows, blocks, dim) as one table for each block. */
function table(seed: number, rows: number, labels: string): LinearTable {
  const tokens = symmetric(seed, rows * blocks * dim);
  const classTokens = Array.from({ length: blocks }, (_, block) => ({
    data: Float32Array.from({ length: rows * dim }, (_, i) => tokens[(Math.floor(i / dim) * blocks + block) * dim + (i % dim)]!),
    shape: [rows, dim],
  }));
  return { classTokens, meanPatch: { data: symmetric(seed + 1, rows * dim), shape: [rows, dim] }, labels: [...labels].map(Number) };
}
const train = table(10, 48, golden.trainLabels);
const held = table(20, 64, golden.heldLabels);
const unlabelled = { classTokens: held.classTokens, meanPatch: held.meanPatch! };

/** Rows of a table as a batch. */
function pick({ classTokens, meanPatch, labels }: LinearTable, rows: number[]): LinearBatch {
  const tokens = rows.flatMap((row) => classTokens.flatMap(({ data }) => [...data.slice(row * dim, (row + 1) * dim)]));
  const means = rows.flatMap((row) => [...meanPatch!.data.slice(row * dim, (row + 1) * dim)]);
  return {
    classTokens: { data: Float32Array.from(tokens), shape: [rows.length, classTokens.length, dim] },
    meanPatch: { data: Float32Array.from(means), shape: [rows.length, dim] },
    labels: rows.map((row) => labels[row]!),
  };
}
const batches = async (iteration: number) => pick(train, order(100 + iteration, 48).slice(0, batchSize));
const options: LinearOptions = { classes, batchSize, iterations, learningRates };

/** The golden's initial weights. */
function hashedState(): LinearState {
  const parameters: Record<string, { data: Float32Array; shape: number[] }> = {};
  ['1_blocks_avgpool_False', '1_blocks_avgpool_True', '4_blocks_avgpool_False', '4_blocks_avgpool_True'].forEach((key, group) => {
    const width = [1, 2, 4, 5][group]! * dim;
    const data = symmetric(30 + group, learningRates.length * classes * width).map((value) => 0.02 * value);
    parameters[`${key}.weight`] = { data, shape: [learningRates.length * classes, width] };
    parameters[`${key}.bias`] = { data: new Float32Array(learningRates.length * classes), shape: [learningRates.length * classes] };
  });
  const zeros = Object.entries(parameters).map(([name, { data, shape }]) => [name, { data: new Float32Array(data.length), shape }] as const);
  return { iteration: 0, parameters, momenta: Object.fromEntries(zeros) };
}

const onnx = onnxEngine();
afterAll(() => onnx.dispose());
const engines: [string, Engine][] = [['eager', eagerEngine({ backend: 'cpu' })], ['onnx', onnx]];

describe.each(engines)('the grid against PyTorch, %s engine', (_, engine) => {
  it('has the same losses, weights, predictions and choice', async () => {
    const before = tf.memory().numTensors;
    const seen: LinearProgress[] = [];
    const trained = await trainLinear(batches, { ...options, engine, resume: hashedState(), onProgress: (progress) => seen.push(progress) });
    expect(trained.heads.map(({ name }) => name)).toEqual(golden.names);
    expect(trained.notes).toEqual([]);

    // PyTorch's own float32 run is within 2e-6 of its float64 run.
    for (const [t, losses] of Object.entries(golden.losses)) expectAllclose(seen[Number(t)]!.losses, losses, { rtol: 1e-5, atol: 1e-5 });
    for (const [t, losses] of Object.entries(golden.losses32)) expectAllclose(seen[Number(t)]!.losses, losses, { rtol: 1e-5, atol: 1e-5 });
    golden.weightSums.forEach((sums, group) => {
      const { data, shape } = trained.state.parameters[`${trained.groups[group]!.key}.weight`]!;
      const rows = sums.map((_, row) => (data as Float32Array).slice(row * shape[1]!, (row + 1) * shape[1]!).reduce((a, b) => a + b, 0));
      // Sums of up to 30 weights.
      expectAllclose(rows, sums, { rtol: 1e-5, atol: 1e-4 });
    });

    const evaluation = await evaluateLinear(trained, orderedBatches(held, 24), { engine });
    expect(evaluation.images).toBe(64);
    expect(evaluation.heads.map(({ top1 }) => top1)).toEqual(golden.accuracies);
    expect(evaluation.best.name).toBe(golden.best);
    expect(evaluation.best.weight.shape).toEqual([classes, 5 * dim]);
    expectAllclose(evaluation.best.weight.data, golden.bestWeight, { rtol: 1e-5, atol: 1e-5 });
    expectAllclose(evaluation.best.weight.data, golden.bestWeight32, { rtol: 1e-5, atol: 1e-5 });
    for (const [head, predictions] of golden.predictions.entries()) {
      const scores = await linearScores(linearClassifier(trained, head), orderedBatches(unlabelled, 24), { engine });
      expect([...predictedClasses(scores)].join('')).toBe(predictions);
      const { top1, top5, meanPerClass } = evaluation.heads[head]!;
      expect(top1).toBe(accuracy(predictedClasses(scores), held.labels));
      expect(top5).toBe(topKAccuracy(scores, held.labels, 5));
      expect(meanPerClass).toBeCloseTo(meanPerClassAccuracy(predictedClasses(scores), held.labels), 12);
    }
    expect(tf.memory().numTensors).toBe(before);
  });

  it('continues bit for bit', async () => {
    const whole = await trainLinear(batches, { ...options, iterations: 12, engine, seed: 3 });
    const saved: LinearState[] = [];
    await trainLinear(batches, { ...options, iterations: 12, engine, seed: 3, checkpointEvery: 5, onCheckpoint: (state) => void saved.push(state) });
    expect(saved.map(({ iteration }) => iteration)).toEqual([5, 10, 12]);
    const resumed = await trainLinear(batches, { ...options, iterations: 12, engine, resume: saved[0]! });
    expect(resumed.state).toEqual(whole.state);
  });
});

describe('trainLinear', () => {
  const engine = eagerEngine({ backend: 'cpu' });

  it('starts from normal weights of deviation 0.01 that follow the seed', async () => {
    const initial = async (seed: number) => {
      const still = await trainLinear(batches, { ...options, learningRates: [1e-30], iterations: 1, engine, seed });
      return still.state.parameters['4_blocks_avgpool_True.weight']!.data as Float32Array;
    };
    const [a, b, again] = [await initial(1), await initial(2), await initial(1)];
    expect(again).toEqual(a);
    expect(b).not.toEqual(a);
    const values = [...a, ...b];
    const deviation = Math.sqrt(values.reduce((sum, value) => sum + value * value, 0) / values.length);
    // 300 values: four standard errors, 0.01 / √600.
    expect(Math.abs(deviation - 0.01)).toBeLessThan(4 * 0.01 / Math.sqrt(600));
  });

  it('learns no less from the sampler of tables', async () => {
    const chance = 1 / classes;
    const trained = await trainLinear(shuffledBatches(train, { batchSize: 16 }), { ...options, batchSize: 16, iterations: 200, engine });
    const { heads, bestIndex } = await evaluateLinear(trained, orderedBatches(train), { engine });
    expect(heads[bestIndex]!.top1).toBeGreaterThan(3 * chance);
  });

  it('takes fewer blocks than the grid names, and says so', async () => {
    const shallow = { ...train, classTokens: train.classTokens.slice(2) };
    const trained = await trainLinear(shuffledBatches(shallow, { batchSize }), { ...options, iterations: 2, engine });
    expect(trained.notes).toEqual(['heads on the last 4 blocks use 2: the features hold no more']);
    expect(new Set(trained.heads.map(({ blocks }) => blocks))).toEqual(new Set([1, 2]));
    // Four blocks that are one block are the head of one block.
    const one = { ...train, classTokens: train.classTokens.slice(3) };
    const single = await trainLinear(shuffledBatches(one, { batchSize }), { ...options, iterations: 2, engine });
    expect(single.heads.map(({ blocks }) => blocks)).toEqual(Array(6).fill(1));
  });

  it('does not choose a head that diverged', async () => {
    const trained = await trainLinear(batches, { ...options, learningRates: [1e41, 3], engine });
    const { heads, best } = await evaluateLinear(trained, orderedBatches(held), { engine });
    expect(trained.state.parameters['1_blocks_avgpool_False.weight']!.data.some(Number.isNaN)).toBe(true);
    expect(heads[0]!.top1).toBe(0);
    expect(best.learningRate).toBe(3);
  });

  it('stops when asked to', async () => {
    const controller = new AbortController();
    const { state } = await trainLinear(batches, {
      ...options, engine, signal: controller.signal, onProgress: ({ iteration }) => iteration === 3 && controller.abort(),
    });
    expect(state.iteration).toBe(4);
  });

  it('says what does not fit, and leaves no tensors', async () => {
    const before = tf.memory().numTensors;
    const run = (changes: Partial<LinearBatch>, other: Partial<LinearOptions> = {}) =>
      trainLinear(async (t) => ({ ...(await batches(t)), ...changes }), { ...options, ...other, engine });
    const tokens = (await batches(0)).classTokens;
    const broken = tokens.data.slice();
    broken[2 * blocks * dim + 3] = NaN;
    await expect(run({ classTokens: { ...tokens, data: broken } })).rejects.toThrow('classTokens of image 2 of the batch of iteration 0 holds NaN');
    await expect(run({ labels: [0, 1, 2, 3, 4, 5, 0, 1] })).rejects.toThrow('label 5 of the batch of iteration 0 is 5; labels are whole numbers from 0 to 4');
    await expect(run({ labels: [0] })).rejects.toThrow('has 8 rows but 1 labels');
    await expect(run({ meanPatch: undefined })).rejects.toThrow('the batch of iteration 0 has no meanPatch, which avgpool needs');
    await expect(run({ meanPatch: { data: new Float32Array(8), shape: [8, 1] } })).rejects.toThrow('meanPatch of the batch of iteration 0 has shape (8, 1); expected (8, 6)');
    await expect(run({}, { batchSize: 16 })).rejects.toThrow('has 8 images and batchSize is 16');
    await expect(run({}, { learningRates: [1, 1] })).rejects.toThrow('learningRates (1, 1) names a value twice');
    await expect(run({}, { blocks: [] })).rejects.toThrow('blocks is an empty list');
    await expect(run({}, { classes: 1 })).rejects.toThrow('classes is 1');
    await expect(run({}, { resume: { ...hashedState(), iteration: 60 } })).rejects.toThrow('has done 60 of 60 iterations');
    await expect(run({}, { classes: 6, resume: hashedState() })).rejects.toThrow('parameters of the state to resume have shape (15, 6) for 1_blocks_avgpool_False.weight');
    let t = 0;
    const narrowing = async () => (t++ === 0 ? batches(0) : { ...(await batches(1)), classTokens: { data: new Float32Array(8 * 4 * 3), shape: [8, 4, 3] } });
    await expect(trainLinear(narrowing, { ...options, engine })).rejects.toThrow('classTokens of the batch of iteration 1 are 3 wide and the heads take 6');
    const trained = await trainLinear(batches, { ...options, iterations: 1, engine });
    await expect(evaluateLinear(trained, [], { engine })).rejects.toThrow('there are no images');
    const shallow = { ...held, classTokens: held.classTokens.slice(3) };
    await expect(evaluateLinear(trained, orderedBatches(shallow), { engine })).rejects.toThrow('hold 1 blocks and the heads take 4');
    expect(() => linearClassifier(trained, 12)).toThrow('head 12 of a grid of 12');
    expect(tf.memory().numTensors).toBe(before);
  });
});
