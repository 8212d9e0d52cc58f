import * as tf from '@tensorflow/tfjs-core';
import { type ArrayLike, type DeviceArray, type Engine, type HostArray, jit } from '@dinov2/jit';
import { forwardFeatures, lastSelfAttention, type Parameters, type VitConfig } from '@dinov2/vit';

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

/** (B, heads, N) attention of the class token in the last block. */
function clsAttention(params: Parameters, config: VitConfig, images: tf.Tensor): tf.Tensor {
  const maps = lastSelfAttention(params, config, images);
  const [batch, heads, , rows, columns] = maps.shape;
  return tf.reshape(tf.slice(maps, [0, 0, 0, 0, 0], [batch, heads, 1, rows, columns]), [batch, heads, rows * columns]);
}
