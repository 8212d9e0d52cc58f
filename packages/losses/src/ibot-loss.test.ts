import '@tensorflow/tfjs';
import '@tensorflow/tfjs-backend-wasm';
import * as tf from '@tensorflow/tfjs-core';
import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { expectAllclose } from '../../../tests/support/allclose';
import { expectGolden, readGolden, symmetric } from '../../../tests/support/golden';
import { LossError } from './error';
import { ibotLoss } from './ibot-loss';
import { takePatches } from './take-patches';

describe.each(['cpu', 'wasm'])('ibotLoss on %s', (backend) => {
  beforeAll(() => tf.setBackend(backend));

  it('equals PyTorch from patch tokens to loss, padding without effect', () => {
    const golden = readGolden('losses');
    const read = (name: string) => tf.tensor(golden[name].data, golden[name].shape);
    const [images, patches, D, K] = [4, 6, 5, 7];
    const tokens = tf.mul(2, tf.tensor(symmetric(5, images * patches * D), [images, patches, D]));
    const prototypes = tf.tensor(symmetric(6, K * D), [K, D]);
    const indices = tf.cast(read('ibot.indices'), 'int32');
    const rest = { teacher: read('ibot.teacher'), weights: read('ibot.weights'), images };
    const loss = (x: tf.Tensor): tf.Scalar =>
      ibotLoss({ student: tf.matMul(takePatches(x, indices), prototypes, false, true), ...rest });

    const { value, grad } = tf.valueAndGrad(loss)(tokens);
    expectGolden(value, golden, 'ibot.loss');
    expectGolden(grad, golden, 'ibot.grad.tokens');
  });

  it('counts images without a mask', () => {
    // Masks [1100], [0000], [0100].
    const student = tf.mul(0.1, tf.tensor2d([[1, 0, -1], [0.5, 0.2, 0.1], [0.3, 0.3, 0]]));
    const teacher = tf.tensor2d([[0.7, 0.2, 0.1], [0.1, 0.3, 0.6], [0.2, 0.2, 0.6]]);
    const before = tf.memory().numTensors;
    const loss = ibotLoss({ student, teacher, weights: tf.tensor1d([0.5, 0.5, 1]), images: 3 });
    expect(tf.memory().numTensors - before).toBe(2); // the loss and the weights above
    expectAllclose(loss.dataSync(), [0.73237], { atol: 1e-6 }); // six places given
  });

  it('does not change with rows of weight 0', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 6 }), fc.integer({ min: 1, max: 5 }), (rows, padding) => {
        tf.tidy(() => {
          const student = tf.randomNormal([rows + padding, 4]);
          const teacher = tf.softmax(tf.randomNormal([rows + padding, 4]));
          const weights = tf.concat([tf.randomUniform([rows], 0.1, 1), tf.zeros([padding])], 0);
          const head = (x: tf.Tensor): tf.Tensor => tf.slice(x, 0, rows);
          const padded = ibotLoss({ student, teacher, weights, images: 2 });
          const exact = ibotLoss({ student: head(student), teacher: head(teacher), weights: head(weights), images: 2 });
          expectAllclose(padded.dataSync(), exact.dataSync(), { rtol: 1e-6 }); // one summation order each
        });
      }),
    );
  });

  it('is 0 without a masked patch, and has a gradient', () => {
    const rest = { teacher: tf.zeros([0, 4]), weights: tf.zeros([0]), images: 2 };
    const { value, grad } = tf.valueAndGrad((student: tf.Tensor) => ibotLoss({ student, ...rest }))(tf.zeros([0, 4]));
    expect(value.dataSync()[0]).toBe(0);
    expect(grad.shape).toEqual([0, 4]);
  });

  it('refuses rows that do not fit', () => {
    const student = tf.zeros([3, 2]);
    expect(() => ibotLoss({ student, teacher: tf.zeros([2, 2]), weights: tf.zeros([3]), images: 1 })).toThrow(LossError);
    expect(() => ibotLoss({ student, teacher: student, weights: tf.zeros([4]), images: 1 })).toThrow('4 weights');
  });
});
