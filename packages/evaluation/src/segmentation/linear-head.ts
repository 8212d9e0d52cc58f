import type { HostArray } from '@dinov2/jit';
import { createRandom, linear } from '@dinov2/primitives';
import * as tf from '@tensorflow/tfjs-core';
import type { Padding, StackedTokens, TokenGrid } from '../dense/features';
import type { Tensors } from '../dense/optimizer';
import type { HeadFunctions, HostArrays } from '../dense/train-head';
import { standardize, standardizeBy } from './batch-norm';
import { enlargedCrossEntropy } from './cross-entropy';

/** Tokens (B, blocks, rows, columns, D) as one map with the blocks' channels one after another, (B, rows, columns, blocks · D). */
function concatenateBlocks(patchTokens: tf.Tensor): tf.Tensor {
  const [batch, blocks, rows, columns, width] = patchTokens.shape as [number, number, number, number, number];
  return tf.reshape(tf.transpose(patchTokens, [0, 2, 3, 1, 4]), [batch, rows, columns, blocks * width]);
}

/** Batch norm and a linear map of every patch to the classes. Named as in the released heads, the convolution as a matrix. */
export function linearSegmentationHead(padding: Padding): HeadFunctions {
  return {
    prepare({ patchTokens }, buffers) {
      const { y, running } = standardize(concatenateBlocks(patchTokens), {
        mean: buffers['bn.running_mean']!,
        variance: buffers['bn.running_var']!,
      });
      return { input: y, buffers: { 'bn.running_mean': running.mean, 'bn.running_var': running.variance } };
    },
    loss: (parameters, input, labels) =>
      enlargedCrossEntropy(classify(parameters, input as tf.Tensor), labels, {
        size: [padding.height, padding.width],
        window: padding.image,
      }),
  };
}

/** Logits (B, rows, columns, classes) of standardised tokens. */
function classify(parameters: Tensors, standardized: tf.Tensor): tf.Tensor {
  const normed = tf.add(tf.mul(standardized, parameters['bn.weight']!), parameters['bn.bias']!);
  return linear(normed, parameters['conv_seg.weight']!, parameters['conv_seg.bias']!);
}

/** Logits (B, rows, columns, classes) of tokens, by the running averages. */
export function segmentationLogits(parameters: Tensors, buffers: Tensors, { patchTokens }: StackedTokens<tf.Tensor>): tf.Tensor {
  const running = { mean: buffers['bn.running_mean']!, variance: buffers['bn.running_var']! };
  return classify(parameters, standardizeBy(concatenateBlocks(patchTokens), running));
}

/** Fresh weights: the linear map normal with deviation 0.01, its bias 0, the batch norm the identity. */
export function initialLinearHead({ blocks, width }: TokenGrid, classes: number, seed: number): { parameters: HostArrays; buffers: HostArrays } {
  const channels = blocks * width;
  const random = createRandom(seed).fork('conv_seg');
  const vector = (length: number, value: number): HostArray => ({ data: new Float32Array(length).fill(value), shape: [length] });
  return {
    parameters: {
      'bn.weight': vector(channels, 1),
      'bn.bias': vector(channels, 0),
      'conv_seg.weight': { data: Float32Array.from({ length: classes * channels }, () => 0.01 * random.normal()), shape: [classes, channels] },
      'conv_seg.bias': vector(classes, 0),
    },
    buffers: { 'bn.running_mean': vector(channels, 0), 'bn.running_var': vector(channels, 1) },
  };
}
