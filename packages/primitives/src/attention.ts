import * as tf from '@tensorflow/tfjs-core';
import { definePrimitive } from './define';
import { differentiable } from './differentiable';
import { PrimitiveError } from './error';
import { inverse, rotate, type Rotation } from './rotary-embedding';
import { float32, matchShapes, numberAttribute } from './shapes';

const axes = ['B', 'H', 'N', 'd'] as const;
const shape = { q: axes, k: axes, v: axes } as const;
const gradientShape = { ...shape, dout: axes } as const;

const probabilities = (q: tf.Tensor, k: tf.Tensor, scale: number): tf.Tensor =>
  tf.softmax(tf.mul(tf.matMul(q, k, false, true), scale)); // (B, H, N, N)

const forward = /* @__PURE__ */ definePrimitive({
  name: 'Attention',
  inputs: ['q', 'k', 'v'],
  infer(inputs, attributes) {
    const { B, H, N, d } = matchShapes('Attention', inputs, shape);
    numberAttribute('Attention', attributes, 'scale');
    return [float32(B, H, N, d)];
  },
  fallback({ q, k, v }, { scale }) {
    return [tf.matMul(probabilities(q, k, scale as number), v)];
  },
  cost(inputs) {
    const { B, H, N, d } = matchShapes('Attention', inputs, shape);
    return { flops: B * H * N * N * (4 * d + 14) };
  },
});

const backward = /* @__PURE__ */ definePrimitive({
  name: 'AttentionGrad',
  inputs: ['q', 'k', 'v', 'dout'],
  infer(inputs, attributes) {
    const { B, H, N, d } = matchShapes('AttentionGrad', inputs, gradientShape);
    numberAttribute('AttentionGrad', attributes, 'scale');
    return [float32(B, H, N, d), float32(B, H, N, d), float32(B, H, N, d)];
  },
  fallback({ q, k, v, dout }, attributes) {
    const scale = attributes.scale as number;
    const p = probabilities(q, k, scale);
    const dp = tf.matMul(dout, v, false, true);
    // softmax: ds = p (dp − Σ p dp)
    const weighted = tf.mul(p, dp);
    const ds = tf.mul(tf.sub(weighted, tf.mul(p, tf.sum(weighted, -1, true))), scale);
    return [tf.matMul(ds, k), tf.matMul(ds, q, true, false), tf.matMul(p, dout, true, false)];
  },
  cost(inputs) {
    const { B, H, N, d } = matchShapes('AttentionGrad', inputs, gradientShape);
    return { flops: B * H * N * N * (10 * d + 19) };
  },
});

export interface AttentionOptions {
  /** Factor of the dot products; 1/√d by default. */
  readonly scale?: number;
}

/**
 * Scaled dot-product attention, `softmax(scale · q kᵀ) v`, without mask or dropout
 * (Vaswani et al. 2017, §3.2.1). The gradient recomputes the probabilities; none are stored.
 *
 * @param q - (B, H, N, d)
 * @param k - (B, H, N, d)
 * @param v - (B, H, N, d)
 * @returns (B, H, N, d)
 * @throws PrimitiveError if the shapes differ
 */
export function attention(
  q: tf.Tensor,
  k: tf.Tensor,
  v: tf.Tensor,
  { scale = 1 / Math.sqrt(q.shape[q.shape.length - 1]) }: AttentionOptions = {},
): tf.Tensor {
  return differentiable([q, k, v], (save) => {
    save([q, k, v]);
    return {
      value: forward({ q, k, v }, { scale })[0],
      gradient: (dout, [q, k, v]) => backward({ q, k, v, dout }, { scale }),
    };
  });
}

/** `count` rows of the first axis: an engine needs no copy. */
function rows(x: tf.Tensor, begin: number, count: number): tf.Tensor {
  const [, ...rest] = x.shape;
  return tf.slice(x, [begin, ...rest.map(() => 0)], [count, ...rest]);
}

export interface SelfAttentionOptions {
  /** Turns queries and keys by the position of their token, angles (N, D / heads / 2). */
  readonly rotation?: Rotation;
}

/**
 * Multi-head self-attention on the output of the joint query-key-value projection, scaled by 1/√d.
 *
 * @param qkv - (B, N, 3D), the last axis ordered as [q, k, v] and each of them by head
 * @param heads - number of heads; divides D
 * @returns (B, N, D)
 * @throws PrimitiveError if the last axis is not a multiple of 3 · heads, or the rotation does not fit
 */
export function selfAttention(
  qkv: tf.Tensor,
  heads: number,
  { rotation }: SelfAttentionOptions = {},
): tf.Tensor {
  const [batch, tokens, tripleWidth] = qkv.shape;
  const width = tripleWidth / (3 * heads);
  if (qkv.rank !== 3 || !Number.isInteger(width)) {
    throw new PrimitiveError(
      `selfAttention: qkv has shape [${qkv.shape.join(', ')}]; ` +
        `expected [B, N, 3D] with D a multiple of ${heads} heads.`,
    );
  }
  const attributes = { scale: 1 / Math.sqrt(width) };
  const parts = (qk: tf.Tensor, v: tf.Tensor): Record<'q' | 'k' | 'v', tf.Tensor> => ({
    q: rows(qk, 0, batch),
    k: rows(qk, batch, batch),
    v,
  });
  return differentiable([qkv], (save) => {
    const split = tf.reshape(qkv, [batch, tokens, 3, heads, width]);
    const packed = tf.reshape(tf.transpose(split, [2, 0, 3, 1, 4]), [
      3 * batch,
      heads,
      tokens,
      width,
    ]);
    // Queries and keys lie together, so one call turns both.
    const straight = rows(packed, 0, 2 * batch);
    const qk = rotation === undefined ? straight : rotate(straight, rotation);
    const v = rows(packed, 2 * batch, batch);
    save(rotation === undefined ? [qk, v] : [qk, v, rotation.cos, rotation.sin]);
    const [out] = forward(parts(qk, v), attributes);
    return {
      value: tf.reshape(tf.transpose(out, [0, 2, 1, 3]), [batch, tokens, heads * width]),
      gradient(dy, [qk, v, cos, sin]) {
        const dout = tf.transpose(tf.reshape(dy, [batch, tokens, heads, width]), [0, 2, 1, 3]);
        const [dq, dk, dv] = backward({ ...parts(qk, v), dout }, attributes);
        const dqk =
          cos === undefined ? [dq, dk] : [rotate(tf.concat([dq, dk], 0), inverse({ cos, sin }))];
        const stacked = tf.reshape(tf.concat([...dqk, dv], 0), [3, batch, heads, tokens, width]);
        return [tf.reshape(tf.transpose(stacked, [1, 3, 0, 2, 4]), qkv.shape)];
      },
    };
  });
}
