import * as tf from '@tensorflow/tfjs-core';
import { colorJitter } from './color-jitter';
import { gaussianBlur } from './gaussian-blur';
import { imageNetMean, imageNetStd } from './image-net';
import { augmentColumns } from './parameters';

/**
 * Normalise 8-bit intensities: (x / 255 − mean) / std per channel.
 *
 * @param x - (…, 3) float32, 0 to 255.
 */
export function normalize<T extends tf.Tensor>(x: T, mean = imageNetMean, std = imageNetStd): T {
  // Whole lines of pixels at once: backends are slow at broadcasting over an innermost axis of 3.
  const line = 3 * (x.shape.at(-2) ?? 1);
  const repeated = (value: (channel: number) => number) =>
    tf.tensor1d(Float32Array.from({ length: line }, (_, i) => value(i % 3)));
  const scaled = tf.mul(tf.reshape(x, [-1, line]), repeated((c) => 1 / (255 * std[c])));
  return tf.reshape(tf.sub(scaled, repeated((c) => mean[c] / std[c])), x.shape) as T;
}

/**
 * Invert intensities from 128 upwards: 255 − v where v ≥ 128.
 *
 * @param x - (n, height, width, channels) float32, 0 to 255.
 * @param on - (n,) float32, 1 for the images to change and 0 for the others.
 */
export function solarize(x: tf.Tensor4D, on: tf.Tensor1D): tf.Tensor4D {
  const bright = tf.cast(tf.greaterEqual(x, 128), 'float32');
  const change = tf.mul(bright, tf.reshape(on, [x.shape[0], 1, 1, 1]));
  return tf.add(x, tf.mul(change, tf.sub(255, tf.mul(x, 2)))) as tf.Tensor4D;
}

/**
 * Everything after crop, resize and flip, in the order of DINOv2's recipe: colour jitter, grayscale,
 * blur, solarise, normalise. Pure and of static shape, so it can be part of a compiled step.
 *
 * @param x - (n, size, size, 3) float32, whole numbers 0 to 255.
 * @param params - (n, 12) float32 from `packAugmentParameters`.
 * @returns (n, size, size, 3) float32, normalised with ImageNet's mean and standard deviation.
 */
export function augmentBatch(x: tf.Tensor4D, params: tf.Tensor2D): tf.Tensor4D {
  return tf.tidy(() => {
    const n = x.shape[0];
    const column = (index: number) => tf.reshape(tf.slice(params, [0, index], [n, 1]), [n]) as tf.Tensor1D;
    const colored = colorJitter(x, params);
    const blurred = gaussianBlur(colored, column(augmentColumns.blurSigma));
    return normalize(solarize(blurred, column(augmentColumns.solarize)));
  });
}
