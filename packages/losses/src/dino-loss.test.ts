import '@tensorflow/tfjs';
import '@tensorflow/tfjs-backend-wasm';
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { expectAllclose } from '../../../tests/support/allclose';
import { expectGolden, readGolden, symmetric } from '../../../tests/support/golden';
import { dinoLoss } from './dino-loss';
import { LossError } from './error';

const B = 3;
const K = 7;
const logits = (seed: number, rows: number): tf.Tensor =>
  tf.mul(2, tf.tensor(symmetric(seed, rows * K), [rows, K]));

describe.each(['cpu', 'wasm'])('dinoLoss on %s', (backend) => {
  beforeAll(() => tf.setBackend(backend));

  const golden = readGolden('losses');

  it('equals the double loop over crops, gradients included', () => {
    const teacher = tf.softmax(tf.div(logits(1, 2 * B), 0.07));
    const inputs = [logits(2, 2 * B), logits(3, 4 * B)];
    const loss = (studentGlobal: tf.Tensor, studentLocal: tf.Tensor) =>
      dinoLoss({ studentGlobal, studentLocal, teacher });

    const before = tf.memory().numTensors;
    const { global, local } = loss(inputs[0], inputs[1]);
    expect(tf.memory().numTensors - before).toBe(2);
    expectGolden(global, golden, 'dino4.global');
    expectGolden(local, golden, 'dino4.local');
    const gradients = tf.grads((g: tf.Tensor, l: tf.Tensor) => {
      const terms = loss(g, l);
      return tf.add(tf.mul(2, terms.local), tf.mul(3, terms.global));
    })(inputs);
    expectGolden(gradients[0], golden, 'dino4.grad.global');
    expectGolden(gradients[1], golden, 'dino4.grad.local');
  });

  it('weighs the global pairs by 1/3 without local crops', () => {
    const teacher = tf.softmax(tf.div(logits(1, 2 * B), 0.07));
    const { global, local } = dinoLoss({ studentGlobal: logits(2, 2 * B), teacher });
    expectGolden(global, golden, 'dino0.global');
    expect(local.dataSync()[0]).toBe(0);
    const empty = dinoLoss({ studentGlobal: logits(2, 2 * B), studentLocal: tf.zeros([0, K]), teacher });
    expect([...empty.global.dataSync(), ...empty.local.dataSync()]).toEqual([...global.dataSync(), 0]);
    const [gradient] = tf.grads((g: tf.Tensor) => tf.mul(3, dinoLoss({ studentGlobal: g, teacher }).global))([
      logits(2, 2 * B),
    ]);
    expectGolden(gradient, golden, 'dino0.grad.global');
  });

  it('matches each crop with the other one', () => {
    // One image; worked by hand: mean over two rows of −Σ t log softmax(s/0.1), see heads-and-losses golden.
    const studentGlobal = tf.mul(0.1, tf.tensor2d([[1, 0, -1], [0.5, 0.2, 0.1]]));
    const swapped = tf.tensor2d([[0.1, 0.3, 0.6], [0.7, 0.2, 0.1]]);
    const { global } = dinoLoss({ studentGlobal, teacher: swapped });
    expectAllclose(global.dataSync(), [(1.008853 * 2) / 3], { atol: 1e-6 }); // six places given
  });

  it('is ln K per pair for students that know nothing', () => {
    const teacher = tf.softmax(logits(1, 2 * B));
    const { global, local } = dinoLoss({
      studentGlobal: tf.zeros([2 * B, K]),
      studentLocal: tf.zeros([8 * B, K]),
      teacher,
    });
    expectAllclose([global.dataSync()[0], local.dataSync()[0]], [(2 / 18) * Math.log(K), (16 / 18) * Math.log(K)]);
  });

  it('refuses rows that do not fit', () => {
    expect(() => dinoLoss({ studentGlobal: tf.zeros([3, K]), teacher: tf.zeros([4, K]) })).toThrow(LossError);
    expect(() =>
      dinoLoss({ studentGlobal: tf.zeros([4, K]), studentLocal: tf.zeros([5, K]), teacher: tf.zeros([4, K]) }),
    ).toThrow('5 local student rows for 4 teacher rows');
  });
});
