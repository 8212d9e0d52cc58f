import * as tf from '@tensorflow/tfjs-core';
import { describe, expect, it } from 'vitest';
import { expectAllclose } from '../../../tests/support/allclose';
import { backends, expectGolden, goldens } from './goldens.testing';
import { resampleBicubic } from './resample-bicubic';

describe('resampleBicubic', () => {
  const names = Object.keys(goldens).filter((name) => name.startsWith('resampleBicubic'));

  it.each(names)('equals PyTorch: %s', (name) => {
    const { size, ...options } = goldens[name].options;
    return expectGolden(name, ([x]) => resampleBicubic(x, size, options));
  });

  // Column profiles of a 4 × 4 table whose row i is constant i, from PyTorch in float64.
  const profiles: Array<[string, number, object, number[]]> = [
    ['offset 0.1', 3, { ratios: [4 / 3.1, 4 / 3.1] }, [0.109636, 1.451344, 2.789201]],
    [
      'offset 0.1',
      6,
      { ratios: [4 / 6.1, 4 / 6.1] },
      [-0.08848, 0.390981, 1.182597, 1.747005, 2.546707, 3.063794],
    ],
    ['size', 3, {}, [0.126157, 1.5, 2.873843]],
    ['size', 6, {}, [-0.086806, 0.40625, 1.212963, 1.787037, 2.59375, 3.086806]],
    ['antialiased', 3, { antialias: true }, [0.189931, 1.5, 2.810069]],
    [
      'antialiased',
      6,
      { antialias: true },
      [-0.065789, 0.411765, 1.166667, 1.833333, 2.588235, 3.065789],
    ],
  ];

  it.each(profiles)('gives the known profile: %s, 4 to %d', async (_, size, options, expected) => {
    for (const backend of backends) {
      await tf.setBackend(backend);
      const x = tf.tile(tf.reshape(tf.range(0, 4), [1, 4, 1, 1]), [1, 1, 4, 1]);
      const y = resampleBicubic(x, [size, size], options);
      const profile = tf.slice(y, [0, 0, 1, 0], [1, size, 1, 1]);
      // Half a unit of the sixth printed decimal, and float32.
      expectAllclose(profile.dataSync(), expected, { rtol: 0, atol: 1e-6 });
    }
  });

  it('returns its input at the same size', async () => {
    await tf.setBackend('cpu');
    const x = tf.randomNormal([2, 3, 5, 2], 0, 1, 'float32', 1);
    for (const antialias of [false, true]) {
      expectAllclose(resampleBicubic(x, [3, 5], { antialias }).dataSync(), x.dataSync());
    }
  });

  it('refuses what it cannot resample', () => {
    expect(() => resampleBicubic(tf.zeros([3, 3]), [2, 2])).toThrow(
      'resampleBicubic: x has shape [3, 3]; expected [B, H, W, C].',
    );
    expect(() => resampleBicubic(tf.zeros([1, 3, 3, 1]), [0, 2])).toThrow(
      'resampleBicubic: size [0, 2]',
    );
  });
});
