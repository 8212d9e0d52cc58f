import { linear } from '@dinov2/primitives';
import * as tf from '@tensorflow/tfjs-core';
import type { VitConfig } from './config';
import { VitError } from './error';
import { parameter, type Parameters } from './parameters';
import { interpolatePositions } from './positions';

/** Images of one size, and which of their patches the transformer does not see. */
export interface Group {
  /** (B, H, W, 3) float32, normalised; H and W multiples of the patch size. */
  readonly images: tf.Tensor;
  /** (B, N) bool or float 0/1 over the patches, row-major; 1 puts the mask token there. */
  readonly masks?: tf.Tensor;
}

/** Patches down and across for images of this size. Throws a {@link VitError} when they do not fit. */
export function patchGrid(config: VitConfig, images: tf.Tensor): [rows: number, columns: number] {
  const [, height, width, channels] = images.shape;
  if (images.rank !== 4 || channels !== 3) {
    throw new VitError(`images of shape (${images.shape}); pass (batch, height, width, 3)`);
  }
  const p = config.patchSize;
  if (height % p !== 0 || width % p !== 0) {
    throw new VitError(
      `images of ${height} x ${width} do not divide into patches of ${p}; crop or pad both sides to a multiple of ${p}`,
    );
  }
  return [height / p, width / p];
}

/** The sequence that enters the blocks: class token, registers, patches. (B, 1 + R + N, D) */
export function embedTokens(
  params: Parameters,
  config: VitConfig,
  { images, masks }: Group,
): tf.Tensor3D {
  const grid = patchGrid(config, images);
  const batch = images.shape[0];
  const count = grid[0] * grid[1];
  let patches = embedPatches(params, config, images, grid); // (B, N, D)
  if (masks !== undefined) {
    if (masks.rank !== 2 || masks.shape[0] !== batch || masks.shape[1] !== count) {
      throw new VitError(`masks of shape (${masks.shape}) for ${batch} images of ${count} patches`);
    }
    const masked = tf.reshape(tf.cast(masks, 'float32'), [batch, count, 1]);
    patches = tf.add(
      tf.mul(patches, tf.sub(1, masked)),
      tf.mul(masked, tf.reshape(parameter(params, 'mask_token'), [1, 1, config.embedDim])),
    );
  }
  let cls = parameter(params, 'cls_token') as tf.Tensor3D;
  if (config.positions !== 'rope') {
    const positions = interpolatePositions(parameter(params, 'pos_embed'), config, grid);
    cls = tf.add(cls, positions.cls);
    patches = tf.add(patches, positions.patches);
  }
  // Registers have no position.
  const prefix =
    config.registers > 0 ? tf.concat([cls, parameter(params, 'register_tokens') as tf.Tensor3D], 1) : cls;
  // Repeated by adding to zeros: the gradient of an addition is one sum, that of a tile many slices.
  const repeated = tf.add<tf.Tensor3D>(prefix, tf.fill([batch, 1, 1], 0));
  return tf.concat([repeated, patches], 1);
}

/**
 * The patch convolution, whose stride is its kernel, as one linear layer over pixels. The weights
 * (D, 3, p, p) are brought to the pixel order of the images, which is cheaper than the reverse.
 */
function embedPatches(
  params: Parameters,
  config: VitConfig,
  images: tf.Tensor,
  [rows, columns]: readonly [number, number],
): tf.Tensor3D {
  const { patchSize: p, embedDim: D } = config;
  const batch = images.shape[0];
  const pixels = tf.reshape(
    tf.transpose(tf.reshape(images, [batch, rows, p, columns, p * 3]), [0, 1, 3, 2, 4]),
    [batch * rows * columns, p * p * 3],
  );
  const weight = tf.reshape(tf.transpose(parameter(params, 'patch_embed.proj.weight'), [0, 2, 3, 1]), [
    D,
    p * p * 3,
  ]);
  const tokens = linear(pixels, weight, parameter(params, 'patch_embed.proj.bias'));
  return tf.reshape(tokens, [batch, rows * columns, D]);
}
