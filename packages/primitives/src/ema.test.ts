import * as tf from '@tensorflow/tfjs-core';
import { describe, expect, it } from 'vitest';
import { ema } from './ema';
import { backends } from './goldens.testing';

describe('ema', () => {
  it.each(backends)('averages on %s', async (backend) => {
    await tf.setBackend(backend);
    const target = tf.tensor1d([1, 2]);
    const source = tf.tensor1d([5, -2]);
    const before = tf.memory().numTensors;
    const average = ema(target, source, 0.75);
    expect(tf.memory().numTensors).toBe(before + 1);
    expect(Array.from(average.dataSync())).toEqual([2, 1]);
    expect(Array.from(ema(target, source, tf.scalar(1)).dataSync())).toEqual([1, 2]);
    expect(Array.from(ema(target, source, 0).dataSync())).toEqual([5, -2]);
  });

  it('wants equal shapes', () => {
    expect(() => ema(tf.zeros([2]), tf.zeros([3]), 0.5)).toThrow(
      "Ema: input 'source' has shape [3]; expected [...shape] with ...shape = 2 as in 'target'.",
    );
  });
});
