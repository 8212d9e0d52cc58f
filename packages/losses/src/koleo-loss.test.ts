import '@tensorflow/tfjs';
import '@tensorflow/tfjs-backend-wasm';
import * as tf from '@tensorflow/tfjs-core';
import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { expectAllclose } from '../../../tests/support/allclose';
import { expectGolden, readGolden, symmetric } from '../../../tests/support/golden';
import { koleoLoss } from './koleo-loss';

const features = (): tf.Tensor2D => tf.mul(2, tf.tensor2d(symmetric(8, 30), [6, 5]));

describe.each(['cpu', 'wasm'])('koleoLoss on %s', (backend) => {
  beforeAll(() => tf.setBackend(backend));

  const golden = readGolden('losses');

  it('equals PyTorch, gradient included', () => {
    const x = features();
    const before = tf.memory().numTensors;
    const loss = koleoLoss(x);
    expect(tf.memory().numTensors - before).toBe(1);
    expectGolden(loss, golden, 'koleo.loss');
    expectGolden(tf.grad(koleoLoss)(x), golden, 'koleo.grad');
    expect(tf.memory().numTensors - before).toBe(2);
  });

  it('equals PyTorch where two features are the same', () => {
    const x = tf.gather(features(), tf.tensor1d([0, 1, 2, 3, 1, 5], 'int32'));
    expectGolden(koleoLoss(x), golden, 'twins.loss');
    const gradient = tf.grad(koleoLoss)(x).dataSync();
    // The twins push each other with 1 / (6 · 3.2e-8 · √5) = 2.3e6 per component, which cancels and
    // leaves its float32 rounding; 2^-21 of it is 1.1.
    const expected = golden['twins.grad'].data;
    expectAllclose(gradient, expected, { atol: 1.1 });
    const others = [0, 2, 3, 5].flatMap((row) => [0, 1, 2, 3, 4].map((i) => 5 * row + i));
    expectAllclose(others.map((i) => gradient[i]), others.map((i) => expected[i]), { atol: 1e-5 });
  });

  it('is what the formula gives by hand', () => {
    expectAllclose(koleoLoss(tf.tensor2d([[1, 0], [0, 1], [1, 1]])).dataSync(), [0.2674], { atol: 1e-6 });
  });

  it('never takes a feature for its own neighbour', () => {
    // Opposite unit vectors are 2 apart.
    expectAllclose(koleoLoss(tf.tensor2d([[3, 0], [-1, 0]])).dataSync(), [-Math.log(2)], { atol: 1e-6 });
  });

  it('is 0 for one image, and so is its gradient', () => {
    const { value, grad } = tf.valueAndGrad(koleoLoss)(tf.tensor2d([[3, 4]]));
    expect(value.dataSync()[0]).toBe(0);
    expect([...grad.dataSync()]).toEqual([0, 0]);
  });

  it('is finite, with its gradient, whatever repeats or vanishes', () => {
    const value = fc.constantFrom(-1, 0, 1, 1e-3);
    fc.assert(
      fc.property(fc.array(fc.tuple(value, value, value), { minLength: 1, maxLength: 6 }), (rows) => {
        tf.tidy(() => {
          const { value: loss, grad } = tf.valueAndGrad(koleoLoss)(tf.tensor2d(rows));
          expect(Number.isFinite(loss.dataSync()[0])).toBe(true);
          expect(grad.dataSync().every(Number.isFinite)).toBe(true);
        });
      }),
    );
  });

  it('does not depend on the order of the batch or on lengths', () => {
    fc.assert(
      fc.property(fc.integer({ min: 2, max: 8 }), fc.nat(1000), (batch, seed) => {
        tf.tidy(() => {
          const x = tf.randomNormal([batch, 4], 0, 1, 'float32', seed);
          const scaled = tf.mul(tf.reverse(x, 0), tf.randomUniform([batch, 1], 0.5, 2, 'float32', seed));
          // Float32 rounding of unit vectors, over distances of the order of 1.
          expectAllclose(koleoLoss(scaled).dataSync(), koleoLoss(x).dataSync(), { rtol: 1e-4, atol: 1e-5 });
        });
      }),
      { numRuns: 50 },
    );
  });
});
