import * as tf from '@tensorflow/tfjs-core';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { expectFormula, length } from './goldens.testing';
import { rotaryEmbedding } from './rotary-embedding';

describe('rotaryEmbedding', () => {
  it('turns each pair of halves as a complex number, on any shape', () =>
    expectFormula(
      fc.tuple(length(2), length(2), length(4), length(3)).chain((lengths) =>
        fc.tuple(
          fc.constant(lengths),
          fc.array(fc.double({ min: -7, max: 7, noNaN: true }), {
            minLength: lengths[2] * lengths[3],
            maxLength: lengths[2] * lengths[3],
          }),
        ),
      ),
      ([[batch, heads, tokens, half], angles]) => {
        const shape = [batch, heads, tokens, 2 * half];
        return {
          inputs: [shape],
          output: shape,
          operation: (x) =>
            tf.tidy(() => {
              const table = tf.tensor2d(angles, [tokens, half]);
              return rotaryEmbedding(x, { cos: tf.cos(table), sin: tf.sin(table) });
            }),
          // (a + ib) e^{iθ}, the real part in the first half and the imaginary part in the second
          formula: (x) =>
            x.map((value, index) => {
              const i = index % (2 * half);
              const angle = angles[(Math.floor(index / (2 * half)) % tokens) * half + (i % half)];
              const partner = x[i < half ? index + half : index - half];
              return value * Math.cos(angle) + (i < half ? -partner : partner) * Math.sin(angle);
            }),
        };
      },
    ));

  it('names what does not fit', () => {
    const x = tf.zeros([1, 2, 3, 8]);
    const table = (...shape: number[]) => ({ cos: tf.zeros(shape), sin: tf.zeros(shape) });
    expect(() => rotaryEmbedding(x, table(3, 8))).toThrow("last axis of 'x' is 8; expected twice that of 'cos', 16");
    expect(() => rotaryEmbedding(x, table(2, 4))).toThrow("input 'cos' has shape [2, 4]");
  });
});
