import * as tf from '@tensorflow/tfjs-core';
import { type ArrayLike, type DeviceArray, type Engine, type HostArray, jit } from '@dinov2/jit';
import { layerNorm, linear } from '@dinov2/primitives';
import { forwardFeatures, type Parameters, type VitConfig } from '@dinov2/vit';

/** A backbone's tensors by official name, wherever they are. */
export type Backbone = Readonly<Record<string, ArrayLike>>;

/** What the report draws of a picture; N patches in row-major order. */
interface PatchMaps {
  /** (B, N, D) patch features after the final norm. */
  readonly patches: Float32Array;
  /** (B, heads, N) attention of the class token to the patches in the last block; rows sum to less than 1. */
  readonly attention: Float32Array;
}

/** Frozen features of images, computed on an engine. */
export interface FeatureModel {
  /** (B, D) class token after the final norm. `images` are (B, S, S, 3), normalised. */
  clsToken(backbone: Backbone, images: HostArray): Promise<Float32Array>;
  patchMaps(backbone: Backbone, images: HostArray): Promise<PatchMaps>;
}

export function featureModel(engine: Engine, config: VitConfig): FeatureModel {
  const clsToken = jit((params: Parameters, images: tf.Tensor) => forwardFeatures(params, config, images).clsToken, { engine });
  const patchMaps = jit(
    (params: Parameters, images: tf.Tensor) => ({
      patches: forwardFeatures(params, config, images).patchTokens,
      attention: clsAttention(params, config, images),
    }),
    { engine },
  );
  return {
    clsToken: async (backbone, images) => read(await clsToken(backbone, images)),
    patchMaps: async (backbone, images) => {
      const { patches, attention } = await patchMaps(backbone, images);
      return { patches: await read(patches), attention: await read(attention) };
    },
  };
}

async function read(array: DeviceArray): Promise<Float32Array> {
  const data = Float32Array.from(await array.data());
  array.dispose();
  return data;
}

/**
 * softmax(q·kᵀ/√d) of the class token's query in the last block. Attention inside the model never
 * holds these probabilities, so they are made here from the tokens that enter that block.
 */
function clsAttention(params: Parameters, config: VitConfig, images: tf.Tensor): tf.Tensor {
  const { depth, embedDim, heads, registers } = config;
  const tokens = forwardFeatures(params, { ...config, depth: depth - 1 }, images).prenorm; // (B, T, D)
  const [batch, count] = tokens.shape;
  const name = `blocks.${depth - 1}`;
  const normed = layerNorm(tokens, params[`${name}.norm1.weight`]!, params[`${name}.norm1.bias`]!, config.normEpsilon);
  const qkv = linear(normed, params[`${name}.attn.qkv.weight`]!, params[`${name}.attn.qkv.bias`]!); // (B, T, 3D)
  const split = (part: number) =>
    tf.transpose(
      tf.reshape(tf.slice(qkv, [0, 0, part * embedDim], [batch, count, embedDim]), [batch, count, heads, embedDim / heads]),
      [0, 2, 1, 3],
    ); // (B, H, T, d)
  const query = tf.slice(split(0), [0, 0, 0, 0], [batch, heads, 1, embedDim / heads]);
  const logits = tf.mul(tf.matMul(query, split(1), false, true), (embedDim / heads) ** -0.5); // (B, H, 1, T)
  const probabilities = tf.softmax(tf.reshape(logits, [batch, heads, count]));
  const first = 1 + registers;
  return tf.slice(probabilities, [0, 0, first], [batch, heads, count - first]);
}
