import '@tensorflow/tfjs';
import { onnxEngine } from '@dinov2/engine-onnx';
import { afterAll, describe, expect, it } from 'vitest';
import { colourTokens, rectangles } from '../dense/scenes.testing';
import type { HeadState } from '../dense/train-head';
import { loadDepthHead } from './head';
import { type DepthOptions, trainDepth } from './train';

const options: DepthOptions = {
  train: rectangles(12),
  extract: colourTokens(2),
  patchSize: 4,
  batchSize: 4,
  iterations: 60,
  learningRate: 0.05,
  maxDepth: 6,
  augmentation: { crop: [24, 32], rotation: 2.5, rotationProbability: 0.5, flipProbability: 0.5, colourProbability: 0.5, brightness: [0.95, 1.05] },
  test: { flip: true },
};
const unseen = { length: 6, sample: (i: number) => rectangles(100).sample(50 + i) };

describe('trainDepth', () => {
  const engine = onnxEngine();
  afterAll(() => engine.dispose());

  it('learns depth, and its stored weights give the same', async () => {
    const losses: number[] = [];
    const { head } = await trainDepth({ ...options, engine, onProgress: ({ loss }) => losses.push(loss) });
    expect(losses.at(-1)!).toBeLessThan(losses[0]! / 2);
    const scores = await head.evaluate(unseen);
    // Predicting the ground's 5 m everywhere has an RMSE of about 1.7.
    expect(scores.rmse).toBeLessThan(1);
    expect(scores.delta1).toBeGreaterThan(0.75);
    expect(head.weights['decode_head.conv_depth.weight']!.shape).toEqual([256, 36, 1, 1]);

    const again = loadDepthHead(head.weights, { extract: colourTokens(2), patchSize: 4, maxDepth: 6, test: { flip: true } });
    const { image } = await unseen.sample(0);
    const [a, b] = [await head.predict(image), await again.predict(image)];
    // Two engines.
    a.data.forEach((metres, i) => expect(b.data[i]).toBeCloseTo(metres, 4));
    head.dispose();
    again.dispose();
  });

  it('continues as if it had not been interrupted', async () => {
    const short = { ...options, engine, iterations: 6 };
    const whole = await trainDepth(short);
    let half: HeadState | undefined;
    (await trainDepth({ ...short, checkpointEvery: 3, onCheckpoint: (state) => void (half ??= state) })).head.dispose();
    const rest = await trainDepth({ ...short, resume: half });
    expect(rest.state).toEqual(whole.state);
    whole.head.dispose();
    rest.head.dispose();
  });

  it('takes the class tokens of the blocks of the patch tokens', async () => {
    const extract: DepthOptions['extract'] = async (images) => {
      const { patchTokens } = await colourTokens(2)(images);
      const { classTokens } = await colourTokens(5)(images);
      return { patchTokens, classTokens };
    };
    const short = { ...options, engine, iterations: 2 };
    const { head } = await trainDepth({ ...short, extract, blocks: [1, 4] });
    head.dispose();
    await expect(trainDepth({ ...short, extract })).rejects.toThrow('patch tokens of 2 blocks with class tokens of 5: blocks is not given');
    await expect(trainDepth({ ...short, extract, blocks: [1, 9] })).rejects.toThrow('blocks is [1, 9]');
  });

  it('refuses depth that is none', async () => {
    const train = (depth: { data: Float32Array; width: number; height: number }) => ({
      length: 1,
      sample: async () => ({ ...(await rectangles(1).sample(0)), depth }),
    });
    const filled = { data: new Float32Array(768).fill(NaN), width: 32, height: 24 };
    await expect(trainDepth({ ...options, train: train(filled) })).rejects.toThrow('sample 0 holds NaN');
    await expect(trainDepth({ ...options, train: train({ data: new Float32Array(1), width: 1, height: 1 }) })).rejects.toThrow('1 × 1 pixels');
    await expect(trainDepth({ ...options, minDepth: 7 })).rejects.toThrow('from 7 to 6 m');
  });
});
