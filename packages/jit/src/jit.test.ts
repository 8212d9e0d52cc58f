import '@tensorflow/tfjs';
import * as tf from '@tensorflow/tfjs-core';
import { describe, expect, it } from 'vitest';
import { eagerEngine, jit } from './index';

const engine = eagerEngine({ backend: 'cpu' });

describe('jit', () => {
  it('computes a function and its gradient', async () => {
    await tf.setBackend('cpu');
    const before = tf.memory().numTensors;
    const step = jit(
      ({ w, b }: { w: tf.Tensor; b: tf.Tensor }, x: tf.Tensor) => {
        const loss = (w_: tf.Tensor, b_: tf.Tensor) =>
          tf.mean(tf.square(tf.add(tf.matMul(x as tf.Tensor2D, w_ as tf.Tensor2D), b_))) as tf.Scalar;
        const { value, grads } = tf.valueAndGrads(loss)([w, b]);
        return { loss: value, grads: { w: grads[0], b: grads[1] } };
      },
      { engine },
    );
    const w = { data: Float32Array.of(1, 2, 3, 4), shape: [2, 2] };
    const result = await step({ w, b: { data: Float32Array.of(0, 1), shape: [2] } }, { data: Float32Array.of(1, 1), shape: [1, 2] });
    // x·w + b = [4, 7]; mean square = 32.5; d/db = [4, 7].
    expect(await result.loss.data()).toEqual(Float32Array.of(32.5));
    expect(await result.grads.b.data()).toEqual(Float32Array.of(4, 7));
    expect(await result.grads.w.data()).toEqual(Float32Array.of(4, 7, 4, 7));
    result.loss.dispose();
    result.grads.w.dispose();
    result.grads.b.dispose();
    step.dispose();
    await Promise.resolve();
    expect(tf.memory().numTensors).toBe(before);
    console.log(step.lower({ w, b: { data: Float32Array.of(0, 1), shape: [2] } }, { data: Float32Array.of(1, 1), shape: [1, 2] }).toString());
  });
});
