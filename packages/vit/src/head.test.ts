import '@tensorflow/tfjs';
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { expectGolden, hashedParameters, readGolden, symmetric } from '../../../tests/support/golden';
import { VitError } from './error';
import { applyHead, headConfig, headParameterShapes, initializeHead } from './head';
import { parameterCount } from './parameters';

beforeAll(() => tf.setBackend('cpu'));

describe('applyHead', () => {
  it.each([1, 3])('equals PyTorch with %i layers, gradients included', (layers) => {
    const config = headConfig(8, { prototypes: 12, hiddenDim: 10, bottleneckDim: 6, layers });
    const golden = readGolden('heads');
    const shapes = headParameterShapes(config);
    const names = Object.keys(shapes);
    const record = hashedParameters(shapes);
    const params = names.map((name) => tf.tensor(record[name].data, [...shapes[name]]));
    const x = tf.mul(4, tf.tensor(symmetric(1, 40), [5, 8]));
    const forward = (...inputs: tf.Tensor[]): tf.Tensor =>
      applyHead(Object.fromEntries(names.map((name, i) => [name, inputs[i + 1]])), config, inputs[0]);

    const before = tf.memory().numTensors;
    const logits = forward(x, ...params);
    expect(tf.memory().numTensors - before).toBe(1);
    expectGolden(logits, golden, `${layers}.logits`);
    const gradients = tf.grads(forward)([x, ...params], tf.tensor(symmetric(50, 60), [5, 12]));
    ['x', ...names].forEach((name, i) => expectGolden(gradients[i], golden, `${layers}.grad.${name}`));
  });
});

describe('initializeHead', () => {
  it('has the official names and the published distributions', () => {
    const config = headConfig(16, { prototypes: 500, hiddenDim: 64, bottleneckDim: 25 });
    const record = initializeHead(config, 1);
    expect(Object.fromEntries(Object.entries(record).map(([name, { shape }]) => [name, shape]))).toEqual({
      'mlp.0.weight': [64, 16],
      'mlp.0.bias': [64],
      'mlp.2.weight': [64, 64],
      'mlp.2.bias': [64],
      'mlp.4.weight': [25, 64],
      'mlp.4.bias': [25],
      'last_layer.weight_g': [500, 1],
      'last_layer.weight_v': [500, 25],
    });
    expect(new Set(record['last_layer.weight_g'].data)).toEqual(new Set([1]));
    expect(new Set(record['mlp.2.bias'].data)).toEqual(new Set([0]));
    const directions = record['last_layer.weight_v'].data; // U(−1/5, 1/5)
    expect(Math.max(...directions)).toBeLessThanOrEqual(0.2);
    expect(Math.max(...directions)).toBeGreaterThan(0.199);
    expect(Math.min(...directions)).toBeLessThan(-0.199);
    const variance = record['mlp.2.weight'].data.reduce((sum, w) => sum + w * w, 0) / 64 ** 2;
    // Five standard errors of 4096 squares: 5 √(2/4096) = 11 %.
    expect(Math.abs(variance / 0.02 ** 2 - 1)).toBeLessThan(0.11);
  });

  it('counts the head of the default recipe', () => {
    // 2048·(384+1) + 2048·2049 + 256·2049 + 65536·(256+1)
    expect(parameterCount(headParameterShapes(headConfig(384)))).toBe(22_352_128);
    expect(() => headConfig(384, { prototypes: 0 })).toThrow(VitError);
  });
});
