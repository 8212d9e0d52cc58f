import * as tf from '@tensorflow/tfjs-core';

/** The nine neighbours of every pixel side by side, zeros outside: (B, H, W, C) to (B·H·W, 9 C). */
function unfold(x: tf.Tensor): tf.Tensor2D {
  const [batch, height, width, channels] = x.shape as [number, number, number, number];
  const padded = tf.pad(x, [[0, 0], [1, 1], [1, 1], [0, 0]]);
  const parts = Array.from({ length: 9 }, (_, k) =>
    tf.slice(padded, [0, Math.floor(k / 3), k % 3, 0], [batch, height, width, channels]),
  );
  return tf.reshape(tf.concat(parts, 3), [batch * height * width, 9 * channels]);
}

/**
 * Convolution 3 × 3 with stride 1 and zeros around, as products of matrices, which here train several times
 * as fast as the convolution's own gradients. The unfolded input is made again for the gradient, not kept.
 *
 * @param x - (B, H, W, in)
 * @param weight - (out, in, 3, 3), as in PyTorch
 * @returns (B, H, W, out)
 */
export function convolve3x3(x: tf.Tensor, weight: tf.Tensor, bias?: tf.Tensor): tf.Tensor {
  const [batch, height, width, channels] = x.shape as [number, number, number, number];
  const out = weight.shape[0]!;
  const convolution = tf.customGrad((...args: (tf.Tensor | tf.GradSaveFunc)[]) => {
    const [x, weight, save] = args as [tf.Tensor, tf.Tensor, tf.GradSaveFunc];
    save([x, weight]);
    const matrix = tf.reshape<tf.Rank.R2>(tf.transpose(weight, [2, 3, 1, 0]), [9 * channels, out]);
    return {
      value: tf.reshape(tf.matMul(unfold(x), matrix), [batch, height, width, out]),
      gradFunc: (dy: tf.Tensor, saved: tf.Tensor[]) => {
        const [x, weight] = saved as [tf.Tensor, tf.Tensor];
        // The input's gradient is the convolution of dy with the filter turned around, channels exchanged.
        const turned = tf.transpose(tf.reverse(weight, [2, 3]), [2, 3, 0, 1]); // (3, 3, out, in)
        const dx = tf.matMul(unfold(dy), tf.reshape<tf.Rank.R2>(turned, [9 * out, channels]));
        const rows = tf.reshape<tf.Rank.R2>(dy, [batch * height * width, out]);
        const dweight = tf.matMul(rows, unfold(x), true); // (out, 9 in)
        return [tf.reshape(dx, x.shape), tf.transpose(tf.reshape(dweight, [out, 3, 3, channels]), [0, 3, 1, 2])];
      },
    };
  });
  const y = convolution(x, weight);
  return bias === undefined ? y : tf.add(y, bias);
}

/**
 * Transposed convolution whose kernel is its stride: every pixel becomes a tile, by one linear map.
 *
 * @param x - (B, H, W, in)
 * @param weight - (in, out, k, k), as in PyTorch
 * @returns (B, k H, k W, out)
 */
export function enlargeByTiles(x: tf.Tensor, weight: tf.Tensor, bias: tf.Tensor): tf.Tensor {
  const [batch, height, width, channels] = x.shape as [number, number, number, number];
  const [, out, k] = weight.shape as [number, number, number, number];
  const matrix = tf.reshape<tf.Rank.R2>(tf.transpose(weight, [0, 2, 3, 1]), [channels, k * k * out]);
  const tiles = tf.matMul(tf.reshape<tf.Rank.R2>(x, [batch * height * width, channels]), matrix);
  // (B·H, W, k, k·out) to (B·H, k, W, k·out): rows of tiles become rows of pixels.
  const rows = tf.transpose(tf.reshape(tiles, [batch * height, width, k, k * out]), [0, 2, 1, 3]);
  return tf.add(tf.reshape(rows, [batch, height * k, width * k, out]), bias);
}

/** Convolution 3 × 3 with stride 2 and zeros around; weight (out, in, 3, 3). */
export function halve(x: tf.Tensor, weight: tf.Tensor, bias: tf.Tensor): tf.Tensor {
  const filter = tf.transpose(weight, [2, 3, 1, 0]) as tf.Tensor4D;
  return tf.add(tf.conv2d(x as tf.Tensor4D, filter, 2, 1), bias);
}
