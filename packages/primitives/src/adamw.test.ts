import * as tf from '@tensorflow/tfjs-core';
import { describe, expect, it } from 'vitest';
import { expectAllclose } from '../../../tests/support/allclose';
import { adamW, type AdamWState } from './adamw';
import { backends, goldens } from './goldens.testing';

describe.each(backends)('adamW on %s', (backend) => {
  it('follows torch.optim.AdamW for ten steps', async () => {
    await tf.setBackend(backend);
    const { param, steps } = goldens.adamW;
    let state: AdamWState = {
      param: tf.tensor(param.data, param.shape),
      m: tf.zeros(param.shape),
      v: tf.zeros(param.shape),
    };
    for (const step of steps) {
      const grad = tf.tensor(step.grad.data, step.grad.shape);
      const hyper = tf.tensor1d(step.hyper);
      const before = tf.memory().numTensors;
      const next = adamW(state, grad, hyper);
      expect(tf.memory().numTensors).toBe(before + 3);
      tf.dispose([state.param, state.m, state.v, grad, hyper]);
      state = next;
      for (const name of ['param', 'm', 'v'] as const) {
        // Float32 rounding of ten steps; v is of the order of 1e-5.
        expectAllclose(state[name].dataSync(), step[name].data, { rtol: 1e-5, atol: 1e-7 });
      }
    }
  });

  it('changes nothing when told not to apply', async () => {
    await tf.setBackend(backend);
    const numbers = [1.1, -2.2, -0, 3e-39, NaN, Infinity];
    const state = { param: tf.tensor1d(numbers), m: tf.tensor1d(numbers), v: tf.tensor1d(numbers) };
    const grad = tf.tensor1d([NaN, Infinity, 1, 2, 3, 4]);
    const next = adamW(state, grad, tf.tensor1d([1e-3, 0.04, 10, 1000, 1, 0]));
    const bits = (x: tf.Tensor): number[] => [...new Int32Array(x.dataSync().slice().buffer)];
    for (const name of ['param', 'm', 'v'] as const) {
      expect(bits(next[name])).toEqual(bits(state[name]));
    }
  });
});

describe('adamW', () => {
  it('wants six hyperparameters', () => {
    const x = tf.zeros([2]);
    expect(() => adamW({ param: x, m: x, v: x }, x, tf.zeros([5]))).toThrow(
      "AdamW: input 'hyper' has 5 values; expected 6",
    );
  });
});
