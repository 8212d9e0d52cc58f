import '@tensorflow/tfjs';
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, it } from 'vitest';
import { expectAllclose } from '../../../../tests/support/allclose';
import { expectGolden, readGolden, symmetric } from '../../../../tests/support/golden';
import { resampleBilinear, resampleMap, spreadBilinear } from './bilinear';

const golden = readGolden('dense');

describe('bilinear resampling', () => {
  beforeAll(() => tf.setBackend('cpu'));
  /** The golden's x is (B, C, H, W). */
  const x = () => tf.transpose(tf.mul(2, tf.tensor4d(symmetric(1, 120), [2, 3, 5, 4])), [0, 2, 3, 1]);

  it.each([
    ['up', [13, 9], false],
    ['corners', [10, 8], true],
    ['down', [3, 2], false],
  ] as const)('equals PyTorch, gradient included: %s', (name, size, alignCorners) => {
    const y = resampleBilinear(x(), size, { alignCorners });
    expectGolden(y, golden, `bilinear.${name}`);
    const dy = tf.tensor4d(symmetric(2, y.size), y.shape);
    expectGolden(tf.grad((x) => resampleBilinear(x, size, { alignCorners }))(x(), dy), golden, `bilinear.${name}.grad`);
    expectGolden(spreadBilinear(dy, [5, 4], size, { alignCorners }), golden, `bilinear.${name}.grad`);
  });

  it('is the same on the host and for a window', () => {
    const window = { top: 3, left: 2, height: 6, width: 5 };
    const input = x();
    const map = { data: input.dataSync().slice(0, 60) as Float32Array, height: 5, width: 4 };
    expectAllclose(resampleMap(map, 3, [13, 9]), golden['bilinear.up']!.data.slice(0, 13 * 9 * 3), { rtol: 1e-5, atol: 1e-6 });
    const part = resampleBilinear(input, [13, 9], { window });
    const whole = tf.slice(resampleBilinear(input, [13, 9]), [0, 3, 2, 0], [2, 6, 5, 3]);
    expectAllclose(part.dataSync(), whole.dataSync());
    expectAllclose(resampleMap(map, 3, [13, 9], window), part.dataSync().slice(0, 90), { rtol: 1e-5, atol: 1e-6 });
  });
});
