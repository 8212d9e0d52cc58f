import '@tensorflow/tfjs';
import { eagerEngine, jit } from '@dinov2/jit';
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { expectAllclose } from '../../../../tests/support/allclose';
import { expectGolden, readGolden, symmetric } from '../../../../tests/support/golden';
import { hashed } from '../../../../tests/support/hash';
import { centrePadding } from '../dense/features';
import { polynomialSchedule } from '../dense/schedule';
import { type HeadBatch, initialHeadState, trainHead } from '../dense/train-head';
import { loadSegmentationHead, releasedNames } from './head';
import { initialLinearHead, linearSegmentationHead } from './linear-head';
import { countPixels, createConfusion, segmentationScores } from './metrics';

const golden = readGolden('dense');
const [blocks, width, classes] = [2, 3, 4];
const scaled = (seed: number, count: number, factor: number, add: number) => symmetric(seed, count).map((x) => factor * x + add);
const labels = (seed: number, count: number, classes: number) => Int32Array.from(hashed(seed, count), (x) => (x % (classes + 1) === classes ? 255 : x % (classes + 1)));

/** The golden's batch: pictures of 10 × 13 in patches of 4. */
const batch = (step: number): HeadBatch => ({
  tokens: { patchTokens: { data: scaled(100 + step, 3 * blocks * 12 * width, 3, 1), shape: [3, blocks, 3, 4, width] } },
  target: { data: labels(200 + step, 390, classes), shape: [3, 10, 13] },
});

const start = () => {
  const { buffers, parameters } = initialLinearHead({ blocks, rows: 3, columns: 4, width }, classes, 0);
  const given = {
    'bn.weight': scaled(11, 6, 1, 1),
    'bn.bias': symmetric(12, 6),
    'conv_seg.weight': symmetric(13, 24),
    'conv_seg.bias': symmetric(14, 4),
  };
  return initialHeadState(
    Object.fromEntries(Object.entries(parameters).map(([name, { shape }]) => [name, { shape, data: given[name as keyof typeof given] }])),
    buffers,
  );
};

describe('the linear segmentation head against PyTorch', () => {
  beforeAll(() => tf.setBackend('cpu'));
  const head = linearSegmentationHead(centrePadding(10, 13, 4));

  it('has the same gradients', async () => {
    const { parameters, buffers } = start();
    const names = Object.keys(parameters);
    const tensors = (arrays: typeof parameters) => Object.fromEntries(Object.entries(arrays).map(([n, { data, shape }]) => [n, tf.tensor(data, [...shape])]));
    const { tokens, target } = batch(0);
    const { input } = head.prepare({ patchTokens: tf.tensor(tokens.patchTokens.data, [...tokens.patchTokens.shape]) }, tensors(buffers));
    const truth = tf.tensor(target.data, [...target.shape], 'int32');
    const values = Object.values(tensors(parameters));
    const gradients = tf.grads((...p: tf.Tensor[]) => head.loss(Object.fromEntries(names.map((n, i) => [n, p[i]!])), input, truth, tf.scalar(1)))(values);
    names.forEach((name, i) => {
      const expected = golden[`segmentation.grad.${name}`]!;
      // The gradient of a bias is a sum of 390 shares that nearly cancel: 1e-5 of the terms.
      expectAllclose(gradients[i]!.dataSync(), expected.data, { rtol: 1e-4, atol: 1e-6 });
    });
  });

  it('trains as AdamW of PyTorch does: ten losses, weights, running averages', async () => {
    const losses: number[] = [];
    const before = tf.memory().numTensors;
    const state = await trainHead(head, start(), (step) => Promise.resolve(batch(step)), {
      engine: eagerEngine(),
      iterations: 10,
      optimizer: { weightDecay: 0.01, beta1: 0.9, beta2: 0.999 },
      learningRate: polynomialSchedule(0.05, 10, { iterations: 4, ratio: 1e-6 }),
      onProgress: ({ loss }) => losses.push(loss),
    });
    expect(tf.memory().numTensors).toBe(before);
    expectAllclose(losses, golden['segmentation.losses']!.data, { rtol: 1e-5 });
    const weights = releasedNames({ ...state.parameters, ...state.buffers });
    for (const [name, { data, shape }] of Object.entries(weights)) {
      const expected = golden[`segmentation.${name.replace('decode_head.', '')}`]!;
      expect(shape).toEqual(expected.shape);
      // Adam divides by the gradient's size, so the rounding of a small gradient becomes a share of the step, 0.05.
      expectAllclose(data, expected.data, { rtol: 1e-4, atol: 1e-5 });
    }
    const trained = loadSegmentationHead(weights, { extract: () => Promise.reject(new Error('not needed')) });
    const tokens = { data: scaled(300, blocks * 12 * width, 3, 1), shape: [1, blocks, 3, 4, width] };
    const logits = await trained.logits({ patchTokens: tokens });
    expectGolden({ shape: logits.shape, dataSync: () => logits.data }, golden, 'segmentation.logits', 1e-4);
    trained.dispose();
  });

  it('has no loss and no gradient where nothing is labelled', async () => {
    const { parameters, buffers } = start();
    const run = jit(
      (p: Record<string, tf.Tensor>, b: Record<string, tf.Tensor>, tokens: { patchTokens: tf.Tensor }, target: tf.Tensor) => {
        const { input } = head.prepare(tokens, b);
        return tf.valueAndGrads((w) => head.loss({ ...p, 'conv_seg.weight': w }, input, target, tf.scalar(1)))([p['conv_seg.weight']!]);
      },
      { engine: eagerEngine() },
    );
    const { tokens, target } = batch(0);
    const { value, grads } = await run(parameters, buffers, tokens, { data: new Int32Array(390).fill(255), shape: target.shape });
    expect((await value.data())[0]).toBe(0);
    expect((await grads[0]!.data()).every((x) => x === 0)).toBe(true);
    value.dispose();
    grads[0]!.dispose();
    run.dispose();
  });
});

describe('segmentation scores against scikit-learn', () => {
  it('are the same on random labels', () => {
    const truth = labels(500, 600, 5);
    const guess = Int32Array.from(hashed(501, 600), (x) => x % 5).map((x, i) => (hashed(502, 600)[i]! % 3 === 0 && truth[i]! < 255 ? truth[i]! : x));
    const confusion = createConfusion(5);
    // In two parts, as two pictures.
    countPixels(confusion, guess.subarray(0, 250), truth.subarray(0, 250));
    countPixels(confusion, guess.subarray(250), truth.subarray(250));
    expect([...confusion.counts]).toEqual([...golden['scores.confusion']!.data]);
    const scores = segmentationScores(confusion);
    expectAllclose(scores.iou, golden['scores.iou']!.data, { rtol: 1e-6 });
    expectAllclose(scores.accuracy, golden['scores.accuracy']!.data, { rtol: 1e-6 });
    expectAllclose([scores.pixelAccuracy], golden['scores.pixels']!.data, { rtol: 1e-6 });
    expect(scores.meanIoU).toBeCloseTo(scores.iou.reduce((a, b) => a + b) / 5, 12);
  });

  it('leave classes out of the means that neither occur nor are predicted', () => {
    const confusion = createConfusion(3);
    countPixels(confusion, [0, 0, 1], [0, 1, 1]);
    const { iou, meanIoU, meanAccuracy } = segmentationScores(confusion);
    expect([...iou]).toEqual([0.5, 0.5, NaN]);
    expect([meanIoU, meanAccuracy]).toEqual([0.5, 0.75]);
  });

  it('refuse labels that are no class', () => {
    expect(() => countPixels(createConfusion(2), [0], [2])).toThrow('label 2');
    expect(() => countPixels(createConfusion(2), [0], [0, 1])).toThrow('1 predicted pixels for 2 labels');
  });
});
