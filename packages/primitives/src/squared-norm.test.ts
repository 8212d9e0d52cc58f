import * as tf from '@tensorflow/tfjs-core';
import { expect, it } from 'vitest';
import { backends } from './goldens.testing';
import { squaredNorm } from './squared-norm';

it.each(backends)('squaredNorm sums the squares of any shape on %s', async (backend) => {
  await tf.setBackend(backend);
  const x = tf.tensor3d([1, -2, 3, 4], [2, 1, 2]);
  const before = tf.memory().numTensors;
  const norm = squaredNorm(x);
  expect(tf.memory().numTensors).toBe(before + 1);
  expect(norm.shape).toEqual([]);
  expect(norm.dataSync()[0]).toBe(30);
  expect(squaredNorm(tf.scalar(-3)).dataSync()[0]).toBe(9);
});
