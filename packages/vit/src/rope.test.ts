import * as tf from '@tensorflow/tfjs-core';
import '@tensorflow/tfjs-backend-cpu';
import { beforeAll, describe, expect, it } from 'vitest';
import { expectAllclose } from '../../../tests/support/allclose';
import { vitConfig } from './config';
import { patchRotation, ropePeriods } from './rope';

beforeAll(() => tf.setBackend('cpu'));

const config = vitConfig('dinov3-small');
const params = { 'rope_embed.periods': tf.tensor1d(ropePeriods(config)) };

describe('ropePeriods', () => {
  it('runs geometrically from 1 to below the base', () => {
    const periods = ropePeriods(config);
    expect(periods).toHaveLength(16);
    // The reference's values for heads of 64 and base 100, to the digits that are known.
    expectAllclose(periods.slice(0, 3), [1, 1.33352, 1.77828], { rtol: 1e-5 });
    expect(periods.at(-1)).toBeCloseTo(100 ** (15 / 16), 10);
  });
});

describe('patchRotation', () => {
  it('has the angles of the reference', () => {
    const before = tf.memory().numTensors;
    const { sin, cos } = patchRotation(params, config, [2, 3])!;
    expect(tf.memory().numTensors - before).toBe(2);
    expect(sin.shape).toEqual([5 + 6, 32]);
    const first = sin.arraySync() as number[][];
    // Row −1/2 and column −2/3 of a 2 × 3 grid at period 1.33352 and 1: the reference's values for this grid.
    expect(first[5][1]).toBeCloseTo(-0.707342, 5);
    expect(first[5][16]).toBeCloseTo(0.866025, 5);
    tf.dispose([sin, cos]);
  });

  it('leaves the class token and the registers as they are', () => {
    const { sin, cos } = patchRotation(params, config, [1, 1])!;
    // One patch lies at the centre, (0, 0), and is not turned either.
    expect(new Set(sin.dataSync())).toEqual(new Set([0]));
    expect(new Set(cos.dataSync())).toEqual(new Set([1]));
    expect(sin.shape).toEqual([6, 32]);
    tf.dispose([sin, cos]);
  });

  it('is nothing for a model with a table', () => {
    expect(patchRotation({}, vitConfig('small'), [2, 3])).toBeUndefined();
  });
});
