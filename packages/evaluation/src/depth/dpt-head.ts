import type { HostArray } from '@dinov2/jit';
import { createRandom, gelu, linear, type Random } from '@dinov2/primitives';
import * as tf from '@tensorflow/tfjs-core';
import { resampleBilinear } from '../dense/bilinear';
import type { Tensors } from '../dense/optimizer';
import { rectify } from '../dense/rectify';
import { EvaluationError } from '../error';
import { convolve3x3, enlargeByTiles, halve } from './convolution';
import type { DepthModel } from './depth-model';

const levels = [0, 1, 2, 3] as const;

/** Channels of the four reassembled maps, enlarged 4, 2, 1 and ½ times. */
const reassembledChannels = (width: number): number[] => levels.map((i) => Math.floor(width / 2 ** (3 - i)));

/**
 * The DPT head (Ranftl et al. 2021, arXiv 2103.13413) on four blocks, as DINOv2 configures it: class tokens
 * projected into the patches, maps at four scales, fused from coarse to fine, depth relu(y) + minimum.
 *
 * @param channels - width of the fused maps; 256 in the paper
 */
export function dptModel(channels = 256): DepthModel {
  return {
    initialize({ blocks, width }, seed) {
      if (blocks !== 4) {
        throw new EvaluationError(`a DPT head reads 4 blocks, and extract gives ${blocks}; ask for blocks such as [2, 5, 8, 11]`);
      }
      return initialWeights(width, channels, createRandom(seed).fork('dpt'));
    },
    depth(parameters, { patchTokens, classTokens }, { minDepth }) {
      const [batch, , rows, columns, width] = patchTokens.shape as [number, number, number, number, number];
      const maps = levels.map((i) => {
        const patches = tf.reshape(tf.slice(patchTokens, [0, i, 0, 0, 0], [batch, 1, rows, columns, width]), [batch, rows, columns, width]);
        const token = tf.reshape(tf.slice(classTokens, [0, i, 0], [batch, 1, width]), [batch, 1, 1, width]);
        return reassemble(parameters, i, patches, tf.tile(token, [1, rows, columns, 1]));
      });
      let fused = fuse(parameters, 0, maps[3]!);
      for (const i of [1, 2, 3]) fused = fuse(parameters, i, fused, maps[3 - i]!);
      const projected = rectify(convolve3x3(fused, parameters['project.conv.weight']!, parameters['project.conv.bias']!));
      const narrow = convolve3x3(projected, parameters['conv_depth.head.0.weight']!, parameters['conv_depth.head.0.bias']!);
      const [, height, across] = narrow.shape as number[];
      const large = resampleBilinear(narrow, [2 * height!, 2 * across!], { alignCorners: true });
      const features = rectify(convolve3x3(large, parameters['conv_depth.head.2.weight']!, parameters['conv_depth.head.2.bias']!));
      const y = pointwise(features, parameters['conv_depth.head.4.weight']!, parameters['conv_depth.head.4.bias']!);
      return tf.add(rectify(tf.reshape(y, [batch, 2 * height!, 2 * across!])), minDepth);
    },
  };
}

/** Convolution 1 × 1 with weight (out, in, 1, 1). */
function pointwise(x: tf.Tensor, weight: tf.Tensor, bias?: tf.Tensor): tf.Tensor {
  return linear(x, tf.reshape(weight, [weight.shape[0]!, weight.shape[1]!]), bias);
}

/** Patches (B, h, w, D) with the class token beside each to the map of level `i`, with the fused width. */
function reassemble(parameters: Tensors, i: number, patches: tf.Tensor, token: tf.Tensor): tf.Tensor {
  const at = (name: string) => parameters[`reassemble_blocks.${name}`]!;
  const readout = gelu(linear(tf.concat([patches, token], 3), at(`readout_projects.${i}.0.weight`), at(`readout_projects.${i}.0.bias`)));
  const x = pointwise(readout, at(`projects.${i}.conv.weight`), at(`projects.${i}.conv.bias`));
  const resized =
    i === 2
      ? x
      : (i === 3 ? halve : enlargeByTiles)(x, at(`resize_layers.${i}.weight`), at(`resize_layers.${i}.bias`));
  return convolve3x3(resized, parameters[`convs.${i}.conv.weight`]!);
}

/** x + conv(relu(conv(relu(x)))) */
function residual(parameters: Tensors, name: string, x: tf.Tensor): tf.Tensor {
  const inner = convolve3x3(rectify(x), parameters[`${name}.conv1.conv.weight`]!);
  return tf.add(x, convolve3x3(rectify(inner), parameters[`${name}.conv2.conv.weight`]!));
}

/** Add a finer map to the fused one and enlarge twice. */
function fuse(parameters: Tensors, i: number, x: tf.Tensor, finer?: tf.Tensor): tf.Tensor {
  const name = `fusion_blocks.${i}`;
  const [, height, width] = x.shape as number[];
  let sum = x;
  if (finer !== undefined) {
    const same = finer.shape[1] === height && finer.shape[2] === width;
    sum = tf.add(x, residual(parameters, `${name}.res_conv_unit1`, same ? finer : resampleBilinear(finer, [height!, width!])));
  }
  const refined = residual(parameters, `${name}.res_conv_unit2`, sum);
  // A linear map of each pixel commutes with the enlargement and is cheaper before it.
  const projected = pointwise(refined, parameters[`${name}.project.conv.weight`]!, parameters[`${name}.project.conv.bias`]!);
  return resampleBilinear(projected, [2 * height!, 2 * width!], { alignCorners: true });
}

/** Names and shapes of the released head's weights. */
export function dptShapes(width: number, channels: number): Record<string, number[]> {
  const reassembled = reassembledChannels(width);
  const shapes: Record<string, number[]> = {};
  for (const i of levels) {
    const own = reassembled[i]!;
    const at = `reassemble_blocks`;
    shapes[`${at}.readout_projects.${i}.0.weight`] = [width, 2 * width];
    shapes[`${at}.readout_projects.${i}.0.bias`] = [width];
    shapes[`${at}.projects.${i}.conv.weight`] = [own, width, 1, 1];
    shapes[`${at}.projects.${i}.conv.bias`] = [own];
    if (i !== 2) {
      const kernel = [4, 2, 0, 3][i]!;
      shapes[`${at}.resize_layers.${i}.weight`] = [own, own, kernel, kernel];
      shapes[`${at}.resize_layers.${i}.bias`] = [own];
    }
    shapes[`convs.${i}.conv.weight`] = [channels, own, 3, 3];
    for (const unit of i === 0 ? [2] : [1, 2]) {
      for (const conv of [1, 2]) shapes[`fusion_blocks.${i}.res_conv_unit${unit}.conv${conv}.conv.weight`] = [channels, channels, 3, 3];
    }
    shapes[`fusion_blocks.${i}.project.conv.weight`] = [channels, channels, 1, 1];
    shapes[`fusion_blocks.${i}.project.conv.bias`] = [channels];
  }
  const half = Math.floor(channels / 2);
  shapes['project.conv.weight'] = [channels, channels, 3, 3];
  shapes['project.conv.bias'] = [channels];
  shapes['conv_depth.head.0.weight'] = [half, channels, 3, 3];
  shapes['conv_depth.head.0.bias'] = [half];
  shapes['conv_depth.head.2.weight'] = [32, half, 3, 3];
  shapes['conv_depth.head.2.bias'] = [32];
  shapes['conv_depth.head.4.weight'] = [1, 32, 1, 1];
  shapes['conv_depth.head.4.bias'] = [1];
  return shapes;
}

/**
 * As the released code draws them: convolutions of its `ConvModule` normal with variance 2 / fan-out and bias 0, the others
 * as PyTorch does, uniform within 1 / √fan-in. Only the last bias departs: it is 1 m, so that the final relu
 * cannot start, and stay, at 0 everywhere.
 */
function initialWeights(width: number, channels: number, random: Random): Record<string, HostArray> {
  const shapes = dptShapes(width, channels);
  const size = (shape: readonly number[]) => shape.reduce((a, b) => a * b, 1);
  return Object.fromEntries(
    Object.entries(shapes).map(([name, shape]) => {
      const length = size(shape);
      const draw = random.fork(name);
      let value: () => number;
      if (name.includes('.conv.')) {
        const deviation = Math.sqrt(2 / (shape[0]! * size(shape.slice(2))));
        value = name.endsWith('bias') ? () => 0 : () => deviation * draw.normal();
      } else if (name === 'conv_depth.head.4.bias') {
        value = () => 1;
      } else {
        // For a transposed convolution (in, out, k, k) PyTorch counts the second axis as fan-in too.
        const bound = 1 / Math.sqrt(size(shapes[name.replace(/bias$/, 'weight')]!.slice(1)));
        value = () => draw.uniform(-bound, bound);
      }
      return [name, { data: Float32Array.from({ length }, value), shape }];
    }),
  );
}
