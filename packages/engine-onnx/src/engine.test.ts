import '@tensorflow/tfjs';
import * as tf from '@tensorflow/tfjs-core';
import { jit } from '@dinov2/jit';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { expectAllclose } from '../../../tests/support/allclose';
import { onnxEngine } from './index';

const engine = onnxEngine({ threads: 2 });
beforeAll(() => tf.setBackend('cpu'));
afterAll(() => engine.dispose());

describe('onnxEngine', () => {
  it('trains a small MLP like tfjs on its CPU backend', async () => {
    const random = (shape: number[], seed: number) => tf.randomNormal(shape, 0, 0.5, 'float32', seed);
    const x = random([16, 8], 1);
    const y = random([16, 3], 2);
    const parameters = { w1: random([8, 32], 3), b1: random([32], 4), w2: random([32, 3], 5), b2: random([3], 6) };
    type Parameters = Record<keyof typeof parameters, tf.Tensor>;
    const step = ({ w1, b1, w2, b2 }: Parameters, input: tf.Tensor, target: tf.Tensor) => {
      const { value, grads } = tf.valueAndGrads((a: tf.Tensor, c: tf.Tensor, d: tf.Tensor, e: tf.Tensor) => {
        const hidden = tf.relu(tf.add(tf.matMul(input as tf.Tensor2D, a as tf.Tensor2D), c));
        const out = tf.add(tf.matMul(hidden as tf.Tensor2D, d as tf.Tensor2D), e);
        return tf.mean(tf.squaredDifference(out, target)) as tf.Scalar;
      })([w1, b1, w2, b2]);
      const [n1, n2, n3, n4] = [w1, b1, w2, b2].map((p, i) => tf.sub(p, tf.mul(grads[i], 0.1)));
      return { parameters: { w1: n1, b1: n2, w2: n3, b2: n4 } as Parameters, loss: value };
    };
    const compiled = jit(step, { engine, donate: [0] });
    let expected = parameters as Parameters;
    let state: any = parameters;
    for (let i = 0; i < 5; i++) {
      const eager = step(expected, x, y);
      const result: any = await compiled(state, x, y);
      expectAllclose(await result.loss.data(), await eager.loss.data(), { rtol: 1e-5, atol: 1e-6 });
      expected = eager.parameters;
      state = result.parameters;
    }
    for (const name of ['w1', 'b1', 'w2', 'b2'] as const) {
      expectAllclose(await state[name].data(), await expected[name].data(), { rtol: 1e-5, atol: 1e-6 });
    }
    expect(engine.info.name).toBe('onnx');
  });
});
