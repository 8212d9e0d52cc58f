import { layerNorm, linear, rotaryEmbedding } from '@dinov2/primitives';
import * as tf from '@tensorflow/tfjs-core';
import type { VitConfig } from './config';
import { forwardFeatures } from './forward';
import { parameter, type Parameters } from './parameters';
import { patchRotation } from './rope';
import { patchGrid } from './tokens';

/**
 * Attention of the last block, softmax(q kᵀ/√d), from the class token and the R registers to the
 * patches: where each head of each of them looks.
 *
 * Attention inside the model never holds these probabilities, so they are made here from the tokens
 * that enter that block; compiled together with {@link forwardFeatures} of the same images, the blocks
 * before it run once.
 *
 * @param images - (B, H, W, 3) float32, normalised; H and W multiples of the patch size.
 * @returns (B, heads, 1 + R, rows, columns), the class token first. A map sums to less than 1: the
 * softmax is over all tokens, class token and registers included.
 * @throws VitError when images do not fit the configuration.
 */
export function lastSelfAttention(params: Parameters, config: VitConfig, images: tf.Tensor): tf.Tensor5D {
  return tf.tidy(() => {
    const { depth, embedDim: D, heads, registers, qkvBias } = config;
    const grid = patchGrid(config, images);
    const name = `blocks.${depth - 1}`;
    const weight = (layer: string) => parameter(params, `${name}.${layer}`);
    const tokens = forwardFeatures(params, { ...config, depth: depth - 1 }, images).prenorm; // (B, T, D)
    const normed = layerNorm(tokens, weight('norm1.weight'), weight('norm1.bias'), config.normEpsilon);
    const qkv = linear(normed, weight('attn.qkv.weight'), qkvBias ? weight('attn.qkv.bias') : undefined); // (B, T, 3D)

    const [batch, count] = tokens.shape;
    const width = D / heads;
    const queries = 1 + registers;
    const ofHeads = (part: number, rows: number) =>
      tf.transpose(tf.reshape(tf.slice(qkv, [0, 0, part * D], [batch, rows, D]), [batch, rows, heads, width]), [0, 2, 1, 3]);
    const rotation = patchRotation(params, config, grid);
    const query = ofHeads(0, queries); // (B, heads, 1 + R, d); rotary positions do not turn these tokens
    const key = rotation === undefined ? ofHeads(1, count) : rotaryEmbedding(ofHeads(1, count), rotation); // (B, heads, T, d)
    const logits = tf.mul(tf.matMul(query, key, false, true), 1 / Math.sqrt(width));
    const probabilities = tf.softmax(tf.reshape(logits, [batch * heads, queries, count]));
    const toPatches = tf.slice(probabilities, [0, 0, queries], [batch * heads, queries, count - queries]);
    return tf.reshape(toPatches, [batch, heads, queries, ...grid]) as tf.Tensor5D;
  });
}
