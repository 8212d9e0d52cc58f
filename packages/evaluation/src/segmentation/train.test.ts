import '@tensorflow/tfjs';
import { onnxEngine } from '@dinov2/engine-onnx';
import * as tf from '@tensorflow/tfjs-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { colourTokens, rectangles } from '../dense/scenes.testing';
import type { HeadState } from '../dense/train-head';
import { loadSegmentationHead, type SegmentationHead } from './head';
import { type SegmentationOptions, trainSegmentation } from './train';

const options = (engine?: SegmentationOptions['engine']): SegmentationOptions => ({
  train: rectangles(12),
  classes: 3,
  extract: colourTokens(),
  patchSize: 4,
  engine,
  batchSize: 4,
  iterations: 40,
  learningRate: 0.05,
  augmentation: { shortSide: 24, crop: [24, 32], ratio: [0.8, 1.5], categoryMaxRatio: 0.9, flipProbability: 0.5, photometricDistortion: false },
  test: { shortSide: 24 },
});

describe('trainSegmentation', () => {
  const engine = onnxEngine();
  let head: SegmentationHead;
  const losses: number[] = [];
  beforeAll(async () => {
    const progress: number[] = [];
    const result = await trainSegmentation({
      ...options(engine),
      onProgress: ({ loss, secondsLeft }) => {
        losses.push(loss);
        progress.push(secondsLeft);
      },
    });
    expect(progress.at(-1)).toBe(0);
    head = result.head;
  });
  afterAll(() => engine.dispose());

  it('learns to tell rectangles it has not seen from the ground', async () => {
    expect(losses[0]).toBeCloseTo(Math.log(3), 1);
    expect(losses.at(-1)).toBeLessThan(0.3);
    const test = { length: 6, sample: (i: number) => rectangles(100).sample(50 + i) };
    const scores = await head.evaluate(test);
    // Patches that straddle an edge are coarse: a perfect patch labelling of these scenes reaches about 0.9.
    expect(scores.meanIoU).toBeGreaterThan(0.75);
    expect(scores.pixels.reduce((a, b) => a + b, 0)).toBe(6 * 32 * 24);
  });

  it('averages windows, scales and the mirrored picture, and gives probabilities', async () => {
    const { image, mask } = await rectangles(100).sample(60);
    const result = await head.predict(image, { window: [12, 16], stride: [8, 10], scales: [1, 1.5], flip: true });
    expect([result.width, result.height, result.probabilities.length]).toEqual([32, 24, 32 * 24 * 3]);
    for (let i = 0; i < result.probabilities.length; i += 3) {
      expect(result.probabilities[i]! + result.probabilities[i + 1]! + result.probabilities[i + 2]!).toBeCloseTo(1, 5);
    }
    const right = result.labels.filter((label, i) => label === mask.data[i]).length;
    expect(right / mask.data.length).toBeGreaterThan(0.85);
  });

  it('sees the mirrored picture as the mirror of what it sees', async () => {
    const { image } = await rectangles(100).sample(61);
    const straight = await head.predict(image, { flip: true });
    const turned = await head.predict({ ...image, data: Uint8Array.from(image.data, (_, i) => {
      const pixel = Math.floor(i / 3);
      return image.data[(pixel - (pixel % 32) + 31 - (pixel % 32)) * 3 + (i % 3)]!;
    }) }, { flip: true });
    turned.labels.forEach((label, i) => expect(label).toBe(straight.labels[i - (i % 32) + 31 - (i % 32)]));
  });

  it('is the same after its weights were stored, by the names of the released heads', async () => {
    expect(Object.keys(head.weights).sort()).toEqual(
      ['bn.bias', 'bn.running_mean', 'bn.running_var', 'bn.weight', 'conv_seg.bias', 'conv_seg.weight'].map((name) => `decode_head.${name}`),
    );
    expect(head.weights['decode_head.conv_seg.weight']!.shape).toEqual([3, 9, 1, 1]);
    const again = loadSegmentationHead(head.weights, { extract: colourTokens(), patchSize: 4, test: { shortSide: 24 } });
    const { image } = await rectangles(100).sample(62);
    expect((await again.predict(image)).labels).toEqual((await head.predict(image)).labels);
    again.dispose();
  });
});

describe('trainSegmentation, interrupted', () => {
  it.each([false, true])('continues as if it had not been (augment %s)', async (augment) => {
    await tf.setBackend('cpu');
    const before = tf.memory().numTensors;
    const short = { ...options(), iterations: 6, augment };
    const whole = await trainSegmentation(short);
    let half: HeadState | undefined;
    await trainSegmentation({ ...short, checkpointEvery: 3, onCheckpoint: (state) => void (half ??= state) }).then(({ head }) => head.dispose());
    expect(half!.iteration).toBe(3);
    const rest = await trainSegmentation({ ...short, resume: half });
    expect(rest.state).toEqual(whole.state);
    expect(whole.augment).toBe(augment);
    whole.head.dispose();
    rest.head.dispose();
    expect(tf.memory().numTensors).toBe(before);
  });
});

describe('trainSegmentation refuses', () => {
  const withMask = (mask: { data: Uint8Array; width: number; height: number }) => ({
    length: 1,
    sample: async () => ({ ...(await rectangles(1).sample(0)), mask }),
  });

  it('labels that are no class', async () => {
    const train = withMask({ data: new Uint8Array(32 * 24).fill(7), width: 32, height: 24 });
    await expect(trainSegmentation({ ...options(), train })).rejects.toThrow('sample 0 holds label 7; with 3 classes, labels are 0 to 2 and 255');
  });

  it('masks of another size', async () => {
    const train = withMask({ data: new Uint8Array(4), width: 2, height: 2 });
    await expect(trainSegmentation({ ...options(), train })).rejects.toThrow('2 × 2 pixels and its picture 32 × 24');
  });

  it('tokens that are not of whole patches', async () => {
    await expect(trainSegmentation({ ...options(), patchSize: 8 })).rejects.toThrow(/patch tokens of shape \(1, 1, 6, 8, 9\)/);
  });

  it('nothing to train on', async () => {
    await expect(trainSegmentation({ ...options(), train: rectangles(0) })).rejects.toThrow('no samples');
  });
});
