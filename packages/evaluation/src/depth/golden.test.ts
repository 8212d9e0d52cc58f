import '@tensorflow/tfjs';
import { eagerEngine } from '@dinov2/jit';
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { expectAllclose } from '../../../../tests/support/allclose';
import { expectGolden, readGolden, symmetric } from '../../../../tests/support/golden';
import { centrePadding } from '../dense/features';
import { cosineAnnealing, oneCycleMomentum } from '../dense/schedule';
import { type HeadBatch, initialHeadState, trainHead } from '../dense/train-head';
import { linearDepthModel } from './linear-head';
import { gradientLoss, sigLoss } from './losses';
import { depthCrops, depthErrors, type DepthScores, meanDepthScores } from './metrics';
import { depthFunctions } from './train';

const golden = readGolden('depth');
const scaled = (seed: number, count: number, factor: number, add = 0) => symmetric(seed, count).map((x) => factor * x + add);

/** As `true_depth` of the generator: 0.5 to 12 m, a fifth unknown. */
function trueDepth(seed: number, count: number): Float32Array {
  const unknown = symmetric(seed + 1, count);
  return scaled(seed, count, 11.5, 6.25).map((metres, i) => (unknown[i]! < -0.3 ? 0 : metres));
}

describe('depth losses against PyTorch', () => {
  beforeAll(() => tf.setBackend('cpu'));
  const predicted = () => tf.tensor3d(scaled(600, 3 * 13 * 17, 8, 5), [3, 13, 17]);
  const truth = () => tf.tensor3d(trueDepth(601, 3 * 13 * 17), [3, 13, 17]);

  it.each([
    ['sig', (p: tf.Tensor) => sigLoss(p, truth(), 10)],
    ['warm', (p: tf.Tensor) => sigLoss(p, truth(), 10, 0)],
    ['gradient', (p: tf.Tensor) => gradientLoss(p, truth(), 10)],
  ] as const)('%s and its gradient', (name, loss) => {
    expectGolden(loss(predicted()), golden, `depth.${name}`);
    expectGolden(tf.grad(loss)(predicted()), golden, `depth.${name}.grad`);
  });

  it('are finite where the prediction is perfect, and where no depth is known', () => {
    for (const [p, t] of [[tf.ones([1, 5, 5]), tf.ones([1, 5, 5])], [tf.ones([1, 5, 5]), tf.zeros([1, 5, 5])]] as const) {
      const { value, grad } = tf.valueAndGrad((p: tf.Tensor) => tf.add(sigLoss(p, t, 10), gradientLoss(p, t, 10)) as tf.Scalar)(p);
      // √1e-14, what keeps the slope finite.
      expect(value.dataSync()[0]).toBeLessThan(1.1e-7);
      expect(grad.dataSync().every((x) => x === 0)).toBe(true);
    }
  });
});

describe('the linear depth head against PyTorch', () => {
  beforeAll(() => tf.setBackend('cpu'));
  const [blocks, width, bins] = [2, 3, 16];
  const model = linearDepthModel(bins);
  const batch = (step: number): HeadBatch => ({
    tokens: {
      patchTokens: { data: scaled(620 + step, 2 * blocks * 12 * width, 3), shape: [2, blocks, 3, 4, width] },
      classTokens: { data: scaled(640 + step, 2 * blocks * width, 3), shape: [2, blocks, width] },
    },
    target: { data: trueDepth(2 * step + 660, 260), shape: [2, 10, 13] },
  });
  const parameters = {
    'conv_depth.weight': { data: symmetric(611, bins * 12), shape: [bins, 12, 1, 1] },
    'conv_depth.bias': { data: symmetric(612, bins), shape: [bins] },
  };

  it('gives the same depth', () => {
    const { patchTokens, classTokens } = batch(0).tokens;
    const tensor = ({ data, shape }: { data: ArrayLike<number>; shape: readonly number[] }) => tf.tensor(Array.from(data), [...shape]);
    const depth = model.depth(
      { 'conv_depth.weight': tensor(parameters['conv_depth.weight']), 'conv_depth.bias': tensor(parameters['conv_depth.bias']) },
      { patchTokens: tensor(patchTokens), classTokens: tensor(classTokens!) },
      { minDepth: 0.001, maxDepth: 10 },
    );
    expectGolden(depth, golden, 'linear.depth');
  });

  it('trains as AdamW of PyTorch does: clipped, warmed up, annealed, one cycle of momentum', async () => {
    const losses: number[] = [];
    const state = await trainHead(
      depthFunctions(model, centrePadding(10, 13, 4), { minDepth: 0.001, maxDepth: 10, gradientLossWeight: 0.5 }),
      initialHeadState(parameters, {}),
      (step) => Promise.resolve(batch(step)),
      {
        engine: eagerEngine(),
        iterations: 10,
        optimizer: { weightDecay: 0.01, beta1: 0.9, beta2: 0.999, clipGradient: 0.05 },
        learningRate: cosineAnnealing(0.05, 10, { iterations: 4, ratio: 1e-3 }, 1e-8),
        momentum: oneCycleMomentum(10),
        factor: (step) => (step < 3 ? 0 : 1),
        onProgress: ({ loss }) => losses.push(loss),
      },
    );
    // Nearly equal logarithms are subtracted; their float32 rounding is 1e-7 of 2.
    expectAllclose(losses, golden['linear.losses']!.data, { rtol: 2e-5 });
    expectAllclose(state.parameters['conv_depth.weight']!.data, golden['linear.weight']!.data, { rtol: 1e-4, atol: 2e-5 });
    expectAllclose(state.parameters['conv_depth.bias']!.data, golden['linear.bias']!.data, { rtol: 1e-4, atol: 2e-5 });
  });
});

describe('depth scores', () => {
  const truth = { data: trueDepth(690, 48 * 64), width: 64, height: 48 };
  const noise = symmetric(692, 48 * 64);
  const predicted = { ...truth, data: truth.data.map((metres, i) => metres * (1 + 0.8 * noise[i]!) + 0.3) };
  const mask = { minDepth: 0.5, maxDepth: 10, crop: depthCrops.gargKitti };

  it('equal numpy', () => {
    const scores = depthErrors(predicted, truth, mask);
    for (const [name, value] of Object.entries(scores)) {
      // Inputs are rounded to float32 here.
      expectAllclose([value], golden[`depthScores.${name}`]!.data, { rtol: 2e-6 });
    }
  });

  it('are means over pictures, those without depth left out', () => {
    const one = depthErrors(predicted, truth, mask);
    const none = depthErrors(predicted, { ...truth, data: new Float32Array(48 * 64) }, mask);
    expect(none.rmse).toBeNaN();
    const perfect = depthErrors(truth, truth, mask);
    expect(perfect).toEqual({ rmse: 0, absRel: 0, sqRel: 0, log10: 0, rmseLog: 0, silog: 0, delta1: 1, delta2: 1, delta3: 1 } satisfies DepthScores);
    expect(meanDepthScores([one, none, perfect]).rmse).toBeCloseTo(one.rmse / 2, 12);
  });

  it('know the customary crops', () => {
    // The published scripts' rows and columns for 375 × 1242, and for 480 × 640.
    expect(depthCrops.gargKitti(375, 1242)).toEqual({ top: 153, left: 44, height: 371 - 153, width: 1197 - 44 });
    expect(depthCrops.eigenNyu()).toEqual({ top: 45, left: 41, height: 471 - 45, width: 601 - 41 });
  });

  it('refuse maps of different sizes', () => {
    expect(() => depthErrors({ data: new Float32Array(4), width: 2, height: 2 }, truth, mask)).toThrow('2 × 2 pixels for a truth of 64 × 48');
  });
});
