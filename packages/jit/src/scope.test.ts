import '@tensorflow/tfjs';
import * as tf from '@tensorflow/tfjs-core';
import { expect, it } from 'vitest';
import { eagerEngine, jit, scope } from './index';

it('names nodes, nested and in gradients, and does nothing outside a trace', async () => {
  await tf.setBackend('cpu');
  const model = (x: tf.Tensor) => scope('block', () => tf.exp(scope('inner', () => tf.sin(x))));
  const step = jit((x: tf.Tensor) => tf.grad((y) => tf.sum(model(y)))(x), { engine: eagerEngine() });
  const { graph } = step.lower({ shape: [3], dtype: 'float32' });
  // d/dx Σ exp(sin x) = exp(sin x) · cos x; the factor 1 of the sum is gone.
  expect(graph.nodes.map(({ op, scope: name }) => `${op} ${name}`)).toEqual([
    'Sin block/inner',
    'Exp block',
    `Cos block/inner'`,
    `Multiply block/inner'`,
  ]);
  for (const { source } of graph.nodes) expect(source).toMatch(/scope\.test\.ts:\d+:\d+$/);
  const y = tf.tidy(() => model(tf.zeros([1])));
  expect([...y.dataSync()]).toEqual([1]);
  y.dispose();
});
