import * as tf from '@tensorflow/tfjs-core';
import { block, finalNorm } from './block';
import type { VitConfig } from './config';
import { VitError } from './error';
import type { Parameters } from './parameters';
import { patchRotation } from './rope';
import type { DropPathRows } from './stochastic-depth';
import { embedTokens, type Group, patchGrid } from './tokens';

/** What a backbone says of a batch of images; N patches in row-major order, R registers. */
export type Features = {
  /** (B, D), after the final norm */
  readonly clsToken: tf.Tensor2D;
  /** (B, R, D), after the final norm; R may be 0 */
  readonly registerTokens: tf.Tensor3D;
  /** (B, N, D), after the final norm */
  readonly patchTokens: tf.Tensor3D;
  /** (B, 1 + R + N, D), class token, registers and patches before the final norm */
  readonly prenorm: tf.Tensor3D;
};

/**
 * Features of several groups of images, each of its own size, in one pass: linear layers and norms
 * act on the concatenation of all tokens, attention within each image. Equal to a pass per group,
 * and cheaper.
 *
 * @param options.dropRows - rows each block computes, from {@link sampleDropPathRows}; all by default.
 * @returns one {@link Features} per group, in order.
 * @throws VitError when images or masks do not fit the configuration.
 */
export function forwardPacked(
  params: Parameters,
  config: VitConfig,
  groups: readonly Group[],
  options: { readonly dropRows?: DropPathRows } = {},
): Features[] {
  const { dropRows } = options;
  if (dropRows !== undefined && dropRows.length !== config.depth) {
    throw new VitError(`dropRows for ${dropRows.length} blocks; this model has ${config.depth}`);
  }
  for (const { length } of dropRows?.flatMap(({ attention, ffn }) => [attention, ffn]) ?? []) {
    if (length !== 0 && length !== groups.length) {
      throw new VitError(`dropRows for ${length} groups of images; this call has ${groups.length}`);
    }
  }
  if (groups.length === 0) throw new VitError('no groups of images; pass at least one');
  return tf.tidy(() => {
    let streams: tf.Tensor[] = groups.map((group) => embedTokens(params, config, group));
    const rotations = groups.map(({ images }) => patchRotation(params, config, patchGrid(config, images)));
    for (let i = 0; i < config.depth; i++) {
      const input = streams;
      streams = tf.tidy(`blocks.${i}`, () => block(params, config, i, input, rotations, dropRows?.[i]));
    }
    return streams.map((stream) => features(params, config, stream));
  });
}

/**
 * Features of a batch of images.
 *
 * @param images - (B, H, W, 3) float32, normalised; H and W multiples of the patch size.
 * @param options.masks - (B, N) bool or float 0/1; 1 replaces the patch by the mask token.
 * @throws VitError when images or masks do not fit the configuration.
 */
export function forwardFeatures(
  params: Parameters,
  config: VitConfig,
  images: tf.Tensor,
  options: { readonly masks?: tf.Tensor } = {},
): Features {
  return forwardPacked(params, config, [{ images, ...options }])[0];
}

/** Output of one block; registers only where asked for. */
export type IntermediateLayer = {
  /** (B, N, D), or (B, rows, columns, D) with `reshape` */
  readonly patchTokens: tf.Tensor;
  /** (B, D); only with `returnClassToken` */
  readonly clsToken?: tf.Tensor2D;
  /** (B, R, D); only with `returnRegisterTokens` */
  readonly registerTokens?: tf.Tensor3D;
};

/** Options of {@link getIntermediateLayers}. */
export interface IntermediateLayersOptions {
  /** Give patch tokens their grid back: (B, H/p, W/p, D). Off by default. */
  readonly reshape?: boolean;
  /** Off by default. */
  readonly returnClassToken?: boolean;
  /** Off by default. */
  readonly returnRegisterTokens?: boolean;
  /** Apply the model's final norm to every selected layer. On by default. */
  readonly norm?: boolean;
}

/**
 * Outputs of selected blocks, in network order.
 *
 * @param layers - a number n for the last n blocks, or 0-based block indices.
 * @throws VitError for a block that does not exist, or images that do not fit.
 */
export function getIntermediateLayers(
  params: Parameters,
  config: VitConfig,
  images: tf.Tensor,
  layers: number | readonly number[] = 1,
  {
    reshape = false,
    returnClassToken = false,
    returnRegisterTokens = false,
    norm = true,
  }: IntermediateLayersOptions = {},
): IntermediateLayer[] {
  const { depth, registers } = config;
  if (typeof layers === 'number' && !(Number.isInteger(layers) && layers >= 1 && layers <= depth)) {
    throw new VitError(`the last ${layers} blocks of a model of ${depth}; pass a number from 1 to ${depth}`);
  }
  const wanted = new Set(
    typeof layers === 'number' ? Array.from({ length: layers }, (_, i) => depth - 1 - i) : layers,
  );
  const missing = [...wanted].find((i) => !Number.isInteger(i) || i < 0 || i >= depth);
  if (missing !== undefined) {
    throw new VitError(`block ${missing} of a model of ${depth} blocks; indices are 0 to ${depth - 1}`);
  }
  return tf.tidy(() => {
    const grid = patchGrid(config, images);
    const rotations = [patchRotation(params, config, grid)];
    const outputs: IntermediateLayer[] = [];
    let streams: tf.Tensor[] = [embedTokens(params, config, { images })];
    for (let i = 0; i <= Math.max(...wanted, -1); i++) {
      streams = block(params, config, i, streams, rotations);
      if (!wanted.has(i)) continue;
      const tokens = norm ? finalNorm(params, config, streams[0]) : streams[0];
      const patches = sliceTokens(tokens, 1 + registers, grid[0] * grid[1]);
      outputs.push({
        patchTokens: reshape
          ? tf.reshape(patches, [patches.shape[0], ...grid, config.embedDim])
          : patches,
        ...(returnClassToken && { clsToken: firstToken(tokens) }),
        ...(returnRegisterTokens && { registerTokens: sliceTokens(tokens, 1, registers) }),
      });
    }
    return outputs;
  });
}

function features(params: Parameters, config: VitConfig, stream: tf.Tensor): Features {
  const { registers } = config;
  const prenorm = stream as tf.Tensor3D;
  const tokens = finalNorm(params, config, prenorm);
  return {
    clsToken: firstToken(tokens),
    registerTokens: sliceTokens(tokens, 1, registers),
    patchTokens: sliceTokens(tokens, 1 + registers, prenorm.shape[1] - 1 - registers),
    prenorm,
  };
}

/** `count` tokens of each sequence of (B, T, D). */
function sliceTokens(tokens: tf.Tensor, start: number, count: number): tf.Tensor3D {
  const [batch, , D] = (tokens as tf.Tensor3D).shape;
  return tf.slice(tokens as tf.Tensor3D, [0, start, 0], [batch, count, D]);
}

function firstToken(tokens: tf.Tensor): tf.Tensor2D {
  const [batch, , D] = (tokens as tf.Tensor3D).shape;
  return tf.reshape(sliceTokens(tokens, 0, 1), [batch, D]);
}
