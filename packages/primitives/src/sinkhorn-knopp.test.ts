import * as tf from '@tensorflow/tfjs-core';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { expectAllclose } from '../../../tests/support/allclose';
import { backends, goldens } from './goldens.testing';
import { sinkhornKnopp } from './sinkhorn-knopp';

describe.each(backends)('sinkhornKnopp on %s', (backend) => {
  it('equals the method of DINOv2', async () => {
    await tf.setBackend(backend);
    const before = tf.memory().numTensors;
    tf.tidy(() => {
      const small = tf.mul(tf.tensor2d([1, 0, -1, 0.5, 0.2, 0.1], [2, 3]), 0.1);
      expectAllclose(
        sinkhornKnopp(small, 0.07).dataSync(),
        [0.499198, 0.34721, 0.153591, 0.169035, 0.319587, 0.511378],
        { rtol: 0, atol: 1e-6 }, // printed to six decimals
      );
      const { logits, temperature, output } = goldens.sinkhornKnopp;
      const actual = sinkhornKnopp(tf.tensor2d(logits.data, logits.shape), tf.scalar(temperature));
      expectAllclose(actual.dataSync(), output.data, { rtol: 1e-5 });
    });
    expect(tf.memory().numTensors).toBe(before);
  });

  it('leaves padding out, whatever it holds', async () => {
    await tf.setBackend(backend);
    const { logits, temperature, valid, validRows } = goldens.sinkhornKnopp;
    const [n, k] = logits.shape;
    const padded = logits.data.map((x: number, i: number) => {
      const row = Math.floor(i / k);
      return valid[row] ? x : row === 1 ? NaN : 1e6;
    });
    const actual = sinkhornKnopp(tf.tensor2d(padded, [n, k]), temperature, {
      valid: tf.tensor1d(valid),
    }).arraySync();
    expectAllclose(
      [0, 2, 4].flatMap((row) => actual[row]),
      validRows.data,
      { rtol: 1e-5 },
    );
    for (const row of [1, 3]) expect(actual[row]).toEqual(new Array(k).fill(0));
  });

  it('returns zeros when no row is valid', async () => {
    await tf.setBackend(backend);
    const none = sinkhornKnopp(tf.ones([2, 3]), 0.04, { valid: tf.zeros([2]) });
    expect(Array.from(none.dataSync())).toEqual(new Array(6).fill(0));
  });
});

describe('sinkhornKnopp', () => {
  it('gives a distribution per row and does not depend on shifts', async () => {
    await tf.setBackend('cpu');
    const problem = fc
      .tuple(fc.integer({ min: 1, max: 6 }), fc.integer({ min: 1, max: 6 }))
      .chain(([n, k]) =>
        fc.tuple(
          fc.constant([n, k] as [number, number]),
          fc.array(fc.float({ min: -8, max: 8, noNaN: true }), {
            minLength: n * k,
            maxLength: n * k,
          }),
          fc.integer({ min: -50, max: 50 }),
        ),
      );
    fc.assert(
      fc.property(problem, ([shape, logits, shift]) => {
        tf.tidy(() => {
          // At this temperature exp(logits / 0.04) spans e^±200, beyond float32.
          const result = sinkhornKnopp(tf.tensor2d(logits, shape), 0.04);
          expectAllclose(tf.sum(result, 1).dataSync(), new Array(shape[0]).fill(1), { rtol: 1e-5 });
          const coarse = tf.tensor2d(logits.map(Math.round), shape);
          expectAllclose(
            sinkhornKnopp(tf.add(coarse, shift), 0.5).dataSync(),
            sinkhornKnopp(coarse, 0.5).dataSync(),
            // (t + 50) / 0.5 rounds to 1e-5, and so does its exponential.
            { rtol: 1e-3, atol: 1e-7 },
          );
        });
      }),
    );
  });

  it('refuses a temperature that is not positive', () => {
    expect(() => sinkhornKnopp(tf.ones([2, 3]), 0)).toThrow('temperature 0 is not positive');
  });
});
