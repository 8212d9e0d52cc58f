import { definePrimitive } from '@dinov2/primitives';
import * as tf from '@tensorflow/tfjs-core';
import { AugmentError } from './error';

const radius = 4;

const kernel = definePrimitive({
  name: 'GaussianBlur',
  inputs: ['x', 'sigma'],
  infer: ({ x, sigma }) => {
    const [n, height, width] = x.shape;
    if (x.shape.length !== 4 || height <= radius || width <= radius) {
      throw new AugmentError(
        `images of shape [${x.shape}]; expected (n, height, width, channels) with sides above ${radius}`,
      );
    }
    if (sigma.shape.length !== 1 || sigma.shape[0] !== n) {
      throw new AugmentError(`sigma of shape [${sigma.shape}] for ${n} images; expected (${n})`);
    }
    return [{ shape: x.shape, dtype: 'float32' }];
  },
  fallback: ({ x, sigma }) => [blurWithTensorOps(x as tf.Tensor4D, sigma as tf.Tensor1D)],
  cost: ({ x }) => ({ flops: 2 * 2 * (2 * radius + 1) * x.shape.reduce((a, b) => a * b, 1) }),
});

/**
 * Gaussian blur with a 9 × 9 window as torchvision applies it to 8-bit images: weights
 * exp(−k² / 2σ²) for k = −4 … 4 normalised to sum 1, borders reflected without repeating the edge,
 * float32 sums rounded to whole numbers. Carries no gradient.
 *
 * @param x - (n, height, width, channels) float32, whole numbers 0 to 255.
 * @param sigma - (n,) float32 in pixels; 0 leaves the image as it is.
 */
export function gaussianBlur(x: tf.Tensor4D, sigma: tf.Tensor1D): tf.Tensor4D {
  return kernel({ x, sigma })[0] as tf.Tensor4D;
}

function blurWithTensorOps(x: tf.Tensor4D, sigma: tf.Tensor1D): tf.Tensor4D {
  const n = x.shape[0];
  const s = tf.reshape(sigma, [n, 1, 1, 1]);
  const on = tf.cast(tf.greater(s, 0), 'float32');
  const safe = tf.maximum(s, 1e-3); // a finite weight also where the result is not used
  const weights = Array.from({ length: radius + 1 }, (_, k) =>
    tf.exp(tf.mul(tf.square(tf.div(k, safe)), -0.5)),
  );
  const tail = weights.slice(1).reduce((sum, w) => tf.add(sum, w));
  const total = tf.add(weights[0], tf.mul(tail, 2));
  const normalized = weights.map((w) => tf.div(w, total));

  const down = convolve(x, normalized, 1);
  const blurred = tf.round(convolve(down, normalized, 2));
  return tf.add(tf.mul(blurred, on), tf.mul(x, tf.sub(1, on))) as tf.Tensor4D;
}

/** Correlate along one spatial axis with a symmetric kernel given from its centre outwards. */
function convolve(x: tf.Tensor4D, weights: readonly tf.Tensor[], axis: 1 | 2): tf.Tensor4D {
  const paddings: [number, number][] = [0, 1, 2, 3].map((a) => (a === axis ? [radius, radius] : [0, 0]));
  const padded = tf.mirrorPad(x, paddings, 'reflect');
  const shifted = (offset: number) => {
    const begin = [0, 0, 0, 0];
    begin[axis] = radius + offset;
    return tf.slice(padded, begin, x.shape);
  };
  let sum: tf.Tensor = tf.mul(x, weights[0]);
  for (let k = 1; k <= radius; k++) {
    sum = tf.add(sum, tf.mul(tf.add(shifted(-k), shifted(k)), weights[k]));
  }
  return sum as tf.Tensor4D;
}
