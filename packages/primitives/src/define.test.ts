import * as tf from '@tensorflow/tfjs-core';
import '@tensorflow/tfjs-backend-cpu';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import * as api from './index';
import { definePrimitive, primitives } from './index';

describe('definePrimitive', () => {
  const scale = definePrimitive({
    name: 'TestScale',
    inputs: ['x', 'factor?'],
    infer: ({ x }) => [x],
    fallback: ({ x, factor }) => [factor === undefined ? tf.clone(x) : tf.mul(x, factor)],
  });
  const seen: string[][] = [];

  beforeAll(() => tf.setBackend('cpu'));
  afterAll(() => tf.unregisterKernel('TestScale', 'cpu'));

  it('runs the fallback, and the kernel once there is one', () => {
    expect(scale({ x: tf.scalar(3), factor: tf.scalar(2) })[0].dataSync()[0]).toBe(6);
    tf.registerKernel({
      kernelName: 'TestScale',
      backendName: 'cpu',
      kernelFunc({ inputs, attrs }) {
        seen.push(Object.keys(inputs), Object.keys(attrs ?? {}));
        return tf.engine().makeTensor(new Float32Array([7]), [], 'float32');
      },
    });
    // The absent input is not passed on as undefined.
    const [y] = scale({ x: tf.scalar(3), factor: undefined }, { mode: 'a' });
    expect(y.dataSync()[0]).toBe(7);
    expect(seen).toEqual([['x'], ['mode']]);
  });

  it('registers every primitive of the package', () => {
    expect(Object.keys(api).length).toBeGreaterThan(15);
    const expected = [
      'AdamW',
      'AddScaledRows',
      'AddScaledRowsGrad',
      'Attention',
      'AttentionGrad',
      'DistillationCrossEntropy',
      'DistillationCrossEntropyGrad',
      'Ema',
      'Gelu',
      'GeluGrad',
      'L2Normalize',
      'L2NormalizeGrad',
      'LayerNorm',
      'LayerNormGrad',
      'Linear',
      'MergeTopK',
      'RotaryEmbedding',
      'ShardMean',
      'SinkhornKnopp',
      'SquaredNorm',
      'SwiGLU',
      'SwiGLUGrad',
      'TakeRows',
      'TakeRowsGrad',
      'TestScale',
      'WeightNorm',
      'WeightNormGrad',
    ];
    expect([...primitives.keys()].sort()).toEqual(expected);
  });
});
