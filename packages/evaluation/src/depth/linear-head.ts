import { createRandom, linear } from '@dinov2/primitives';
import * as tf from '@tensorflow/tfjs-core';
import { resampleBilinear } from '../dense/bilinear';
import type { StackedTokens } from '../dense/features';
import { rectify } from '../dense/rectify';
import type { DepthModel, DepthRange } from './depth-model';

/** Factor by which the patch grid is enlarged before depth is read off. */
const upsample = 4;

/**
 * Depth from scores of bins between the ends of the range: weights (relu(z) + 0.1) / Σ, depth Σ weight · bin
 * (AdaBins, Bhat et al. 2021, with fixed bins).
 *
 * @param scores - (..., bins)
 * @returns (...) metres
 */
function depthOfBins(scores: tf.Tensor, { minDepth, maxDepth }: DepthRange): tf.Tensor {
  const bins = scores.shape[scores.rank - 1]!;
  const centres = Float32Array.from({ length: bins }, (_, k) => minDepth + ((maxDepth - minDepth) * k) / (bins - 1));
  const mean = centres.reduce((a, b) => a + b, 0) / bins;
  // Σ relu(z) bin and Σ relu(z) in one product; the 0.1 of every bin adds constants.
  const columns = tf.tensor2d(Float32Array.from({ length: 2 * bins }, (_, i) => (i % 2 === 0 ? centres[i >> 1]! : 1)), [bins, 2]);
  const sums = tf.matMul(tf.reshape<tf.Rank.R2>(rectify(scores), [-1, bins]), columns);
  const rows = sums.shape[0];
  const weighted = tf.add(tf.slice(sums, [0, 0], [rows, 1]), 0.1 * bins * mean);
  const total = tf.add(tf.slice(sums, [0, 1], [rows, 1]), 0.1 * bins);
  return tf.reshape(tf.div(weighted, total), scores.shape.slice(0, -1));
}

/** Patch tokens, each followed by its block's class token, blocks one after another: (B, rows, columns, blocks · 2 D). */
function joinClassTokens({ patchTokens, classTokens }: Required<StackedTokens<tf.Tensor>>): tf.Tensor {
  const [batch, blocks, rows, columns, width] = patchTokens.shape as [number, number, number, number, number];
  const everywhere = tf.tile(tf.reshape(classTokens, [batch, blocks, 1, 1, width]), [1, 1, rows, columns, 1]);
  const joined = tf.concat([patchTokens, everywhere], 4); // (B, blocks, rows, columns, 2 D)
  return tf.reshape(tf.transpose(joined, [0, 2, 3, 1, 4]), [batch, rows, columns, blocks * 2 * width]);
}

/**
 * The linear depth head on one block ("lin. 1") or four ("lin. 4"): patch and class tokens, enlarged four times,
 * a linear map to `bins` scores, their expectation.
 *
 * The map is applied before the enlargement. Both are linear and the enlargement's weights sum to 1, so
 * the order does not matter, and this one costs a sixteenth.
 */
export function linearDepthModel(bins = 256): DepthModel {
  return {
    initialize({ blocks, width }, seed) {
      const channels = blocks * 2 * width;
      const random = createRandom(seed).fork('conv_depth');
      const bound = 1 / Math.sqrt(channels); // PyTorch's own for a convolution, which the released head keeps
      return {
        'conv_depth.weight': {
          data: Float32Array.from({ length: bins * channels }, () => random.uniform(-bound, bound)),
          shape: [bins, channels, 1, 1],
        },
        'conv_depth.bias': { data: Float32Array.from({ length: bins }, () => random.uniform(-bound, bound)), shape: [bins] },
      };
    },
    depth(parameters, tokens, range) {
      const x = joinClassTokens(tokens);
      const [batch, rows, columns, channels] = x.shape as [number, number, number, number];
      const weight = tf.reshape(parameters['conv_depth.weight']!, [-1, channels]);
      const scores = linear(x, weight, parameters['conv_depth.bias']!);
      const large = resampleBilinear(scores, [upsample * rows, upsample * columns]);
      return tf.reshape(depthOfBins(large, range), [batch, upsample * rows, upsample * columns]);
    },
  };
}
