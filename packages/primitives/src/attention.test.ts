import * as tf from '@tensorflow/tfjs-core';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { expectAllclose } from '../../../tests/support/allclose';
import { attention, selfAttention } from './attention';
import { expectFormula, expectGolden, length } from './goldens.testing';

/** softmax(scale q kᵀ) v for the rows of one head. */
function attend(q: number[][], k: number[][], v: number[][], scale: number): number[][] {
  const dot = (a: number[], b: number[]): number => a.reduce((sum, x, i) => sum + x * b[i], 0);
  return q.map((query) => {
    const weights = k.map((key) => Math.exp(scale * dot(query, key)));
    const total = weights.reduce((a, b) => a + b);
    return query.map(
      (_, i) =>
        dot(
          weights,
          v.map((row) => row[i]),
        ) / total,
    );
  });
}

const chunks = (data: number[], size: number): number[][] =>
  Array.from({ length: data.length / size }, (_, i) => data.slice(i * size, (i + 1) * size));

describe('attention', () => {
  it('equals PyTorch', async () => {
    await expectGolden('attention', ([q, k, v]) => attention(q, k, v));
    // Logits reach 1000, and float32 rounds them to 3e-5.
    await expectGolden(
      'attention with large logits',
      ([q, k, v]) => attention(q, k, v, { scale: 1 }),
      { rtol: 1e-4, atol: 1e-5 },
    );
  });

  it('equals its formula on any shape', () =>
    expectFormula(
      fc.tuple(length(2), length(2), length(4), length(3), fc.constantFrom(0.3, 1)),
      ([batch, heads, tokens, width, scale]) => {
        const shape = [batch, heads, tokens, width];
        return {
          inputs: [shape, shape, shape],
          output: shape,
          operation: (q, k, v) => attention(q, k, v, { scale }),
          formula: (...inputs) => {
            const [q, k, v] = inputs.map((x) => chunks(x, tokens * width));
            return q.flatMap((_, head) => {
              const rows = [q, k, v].map((x) => chunks(x[head], width));
              return attend(rows[0], rows[1], rows[2], scale).flat();
            });
          },
        };
      },
    ));

  it('names the input that does not fit', () => {
    const q = tf.zeros([1, 2, 3, 4]);
    expect(() => attention(q, tf.zeros([1, 2, 5, 4]), q)).toThrow(
      "Attention: input 'k' has shape [1, 2, 5, 4]; expected [B, H, N, d] with N = 3 as in 'q'.",
    );
  });
});

describe('selfAttention', () => {
  it('equals PyTorch', () => expectGolden('selfAttention', ([qkv]) => selfAttention(qkv, 2)));

  it('does not mix images or heads', async () => {
    await tf.setBackend('cpu');
    const qkv = tf.randomNormal([2, 3, 12], 0, 1, 'float32', 1);
    const whole = selfAttention(qkv, 2);
    const single = selfAttention(tf.slice(qkv, [1, 0, 0], [1, 3, 12]), 2);
    expectAllclose(tf.slice(whole, [1, 0, 0], [1, 3, 4]).dataSync(), single.dataSync());
    // Head 1 alone: columns 2–3 of q, k and v.
    const columns = tf.concat(
      [2, 6, 10].map((start) => tf.slice(qkv, [0, 0, start], [2, 3, 2])),
      2,
    );
    const head = selfAttention(columns, 1);
    expectAllclose(tf.slice(whole, [0, 0, 2], [2, 3, 2]).dataSync(), head.dataSync());
  });

  it('turns queries and keys by position, and not values', () =>
    expectFormula(fc.tuple(length(2), length(2), length(3), length(2)), ([batch, heads, tokens, half]) => {
      const d = 2 * half;
      const angle = (token: number, i: number): number => 1.7 * token + i - 1;
      const turned = (rows: number[][]): number[][] =>
        rows.map((row, token) =>
          row.map((x, i) => {
            const partner = i < half ? -row[i + half] : row[i - half];
            return x * Math.cos(angle(token, i % half)) + partner * Math.sin(angle(token, i % half));
          }),
        );
      return {
        inputs: [[batch, tokens, 3 * heads * d]],
        output: [batch, tokens, heads * d],
        operation: (qkv) =>
          tf.tidy(() => {
            const angles = tf.tensor2d(
              Array.from({ length: tokens }, (_, token) => Array.from({ length: half }, (_, i) => angle(token, i))),
            );
            return selfAttention(qkv, heads, { rotation: { cos: tf.cos(angles), sin: tf.sin(angles) } });
          }),
        formula: (qkv) =>
          chunks(qkv, tokens * 3 * heads * d).flatMap((image) => {
            const rows = chunks(image, 3 * heads * d);
            const out = Array.from({ length: heads }, (_, head) => {
              const [q, k, v] = [0, 1, 2].map((part) =>
                rows.map((row) => row.slice((part * heads + head) * d, (part * heads + head + 1) * d)),
              );
              return attend(turned(q), turned(k), v, 1 / Math.sqrt(d));
            });
            return rows.flatMap((_, token) => out.flatMap((head) => head[token]));
          }),
      };
    }));

  it('refuses a width that the heads do not divide', () => {
    expect(() => selfAttention(tf.zeros([1, 2, 12]), 3)).toThrow(
      'selfAttention: qkv has shape [1, 2, 12]; expected [B, N, 3D] with D a multiple of 3 heads.',
    );
  });
});
