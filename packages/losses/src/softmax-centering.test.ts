import '@tensorflow/tfjs';
import '@tensorflow/tfjs-backend-wasm';
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { expectAllclose } from '../../../tests/support/allclose';
import { expectGolden, readGolden, symmetric } from '../../../tests/support/golden';
import { sinkhornKnopp, softmaxCentering } from './index';

const golden = readGolden('losses');
const logits = (seed: number): tf.Tensor => tf.mul(2, tf.tensor(symmetric(seed, 42), [6, 7]));

describe.each(['cpu', 'wasm'])('softmaxCentering on %s', (backend) => {
  beforeAll(() => tf.setBackend(backend));

  it('follows PyTorch over three batches', () => {
    let centre: tf.Tensor = tf.zeros([1, 7]);
    for (let step = 0; step < 3; step++) {
      const x = logits(20 + step);
      const before = tf.memory().numTensors;
      const { probabilities, nextCentre } = softmaxCentering(x, centre, 0.04 + 0.01 * step);
      expect(tf.memory().numTensors - before).toBe(2);
      expectGolden(probabilities, golden, `centring.${step}`);
      expectGolden(nextCentre, golden, `centre.${step}`);
      centre = nextCentre;
    }
  });

  it('takes the temperature as a tensor and leaves padding out', () => {
    const valid = tf.tensor1d([1, 1, 0, 1, 0, 0]);
    const centre = tf.tensor([symmetric(3, 7)]);
    const x = logits(20);
    const padded = softmaxCentering(x, centre, tf.scalar(0.05), { valid });
    const rows = tf.gather(x, tf.tensor1d([0, 1, 3], 'int32'));
    const exact = softmaxCentering(rows, centre, 0.05);
    expectAllclose(padded.nextCentre.dataSync(), exact.nextCentre.dataSync(), { atol: 1e-7 });
    const kept = tf.gather(padded.probabilities, tf.tensor1d([0, 1, 3], 'int32'));
    expect(kept.dataSync()).toEqual(exact.probabilities.dataSync());
    expect([...tf.sum(padded.probabilities, 1).dataSync()].map((sum) => Math.round(sum))).toEqual([1, 1, 0, 1, 0, 0]);
  });

  it('refuses what does not fit', () => {
    const x = tf.zeros([4, 3]);
    expect(() => softmaxCentering(x, x, 0.05)).toThrow('logits (4,3), centre (4,3)');
    expect(() => softmaxCentering(x, tf.zeros([1, 3]), 0.05, { valid: tf.ones([3]) })).toThrow('valid (3)');
    expect(() => softmaxCentering(x, tf.zeros([1, 3]), 0)).toThrow('temperature 0 is not positive');
  });

  it('keeps the centre when no row takes part', () => {
    const centre = tf.tensor([symmetric(3, 7)]);
    const { nextCentre } = softmaxCentering(logits(20), centre, 0.05, { valid: tf.zeros([6]) });
    expect(nextCentre.dataSync()).toEqual(centre.dataSync());
  });
});

describe.each(['cpu', 'wasm'])('sinkhornKnopp on %s', (backend) => {
  beforeAll(() => tf.setBackend(backend));

  it('equals PyTorch on the values of a head', () => {
    // Three rounds from exp(±20) amplify float32 rounding of the logits over the temperature.
    expectGolden(sinkhornKnopp(logits(9), 0.05), golden, 'sinkhorn', 2e-5);
  });

  it('equals the published golden', () => {
    const t = tf.mul(0.1, tf.tensor2d([[1, 0, -1], [0.5, 0.2, 0.1]]));
    const expected = [0.499198, 0.34721, 0.153591, 0.169035, 0.319587, 0.511378];
    expectAllclose(sinkhornKnopp(t, 0.07).dataSync(), expected, { atol: 1e-6 }); // six places given
  });
});
