import { getIntermediateLayers, lastSelfAttention, type Parameters, type VitConfig } from '@dinov2/vit';
import * as tf from '@tensorflow/tfjs-core';
import type { Outputs } from './types';

/** {@link Tokens} as tensors; class tokens are absent where none are wanted. */
export type TokenTensors = { [K in 'classTokens' | 'meanPatch' | 'patchTokens' | 'attention']?: tf.Tensor };

/**
 * The function of a network's parameters and images that gives the wanted outputs. To be compiled:
 * it walks through the blocks once per output, and equal computations become one.
 */
export function computeTokens(config: VitConfig, outputs: Outputs): (params: Parameters, images: tf.Tensor) => TokenTensors {
  const { classTokens, meanPatch = false, patchTokens, norm = true, attention = false } = outputs;
  return (params, images) => {
    const layers = getIntermediateLayers(params, config, images, Math.max(1, classTokens), { returnClassToken: true });
    return {
      ...(classTokens > 0 && { classTokens: tf.stack(layers.map(({ clsToken }) => clsToken!), 1) }), // (B, n, D)
      ...(meanPatch && { meanPatch: meanOf(layers.at(-1)!.patchTokens) }), // (B, D)
      ...(patchTokens && { patchTokens: stackBlocks(params, config, images, patchTokens, norm) }), // (B, blocks, rows, columns, D)
      ...(attention && { attention: lastSelfAttention(params, config, images) }), // (B, heads, 1 + R, rows, columns)
    };
  };
}

function stackBlocks(params: Parameters, config: VitConfig, images: tf.Tensor, blocks: readonly number[], norm: boolean): tf.Tensor {
  const inOrder = [...blocks].sort((a, b) => a - b);
  const layers = getIntermediateLayers(params, config, images, inOrder, { norm, reshape: true });
  return tf.stack(blocks.map((index) => layers[inOrder.indexOf(index)].patchTokens), 1);
}

/** Mean over the second axis of (B, N, D). As a product, which adds in the same order for any B; a reduction does not. */
function meanOf(patches: tf.Tensor): tf.Tensor {
  const [batch, N, D] = patches.shape;
  return tf.reshape(tf.matMul(tf.fill([batch, 1, N!], 1 / N!), patches), [batch, D!]);
}
