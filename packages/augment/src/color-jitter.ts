import { definePrimitive } from '@dinov2/primitives';
import * as tf from '@tensorflow/tfjs-core';
import { AugmentError } from './error';
import { shiftHue } from './hue';
import { augmentColumnCount, augmentColumns } from './parameters';

const kernel = definePrimitive({
  name: 'ColorJitter',
  inputs: ['x', 'params'],
  infer: ({ x, params }) => {
    const [n, , , channels] = x.shape;
    if (x.shape.length !== 4 || channels !== 3) {
      throw new AugmentError(`images of shape [${x.shape}]; expected (n, height, width, 3)`);
    }
    if (params.shape.length !== 2 || params.shape[0] !== n || params.shape[1] !== augmentColumnCount) {
      throw new AugmentError(
        `parameters of shape [${params.shape}] for ${n} images; expected (${n}, ${augmentColumnCount})`,
      );
    }
    return [{ shape: x.shape, dtype: 'float32' }];
  },
  fallback: ({ x, params }) => [jitterWithTensorOps(x as tf.Tensor4D, params as tf.Tensor2D)],
  cost: ({ x }) => ({ flops: 40 * x.shape.reduce((a, b) => a * b, 1) }),
});

/**
 * Colour jitter and grayscale of a batch of crops, with torchvision's arithmetic on PIL images:
 * every operation reads and writes 8-bit values. Carries no gradient.
 *
 * @param x - (n, height, width, 3) float32, whole numbers 0 to 255.
 * @param params - (n, 12) float32, see `augmentColumns`.
 * @returns the same shape, whole numbers 0 to 255.
 */
export function colorJitter(x: tf.Tensor4D, params: tf.Tensor2D): tf.Tensor4D {
  return kernel({ x, params })[0] as tf.Tensor4D;
}

function jitterWithTensorOps(x: tf.Tensor4D, params: tf.Tensor2D): tf.Tensor4D {
  const n = x.shape[0];
  const column = (index: number) => tf.reshape(tf.slice(params, [0, index], [n, 1]), [n, 1, 1, 1]);
  const on = column(augmentColumns.jitter);
  const brightness = column(augmentColumns.brightness);
  const contrast = column(augmentColumns.contrast);
  const saturation = column(augmentColumns.saturation);
  const hueShift = column(augmentColumns.hueShift);

  let image: tf.Tensor = x;
  for (let step = 0; step < 4; step++) {
    const code = column(augmentColumns.order + step);
    const [r, g, b] = tf.split(image, 3, 3);
    const luma = lumaOf(r, g, b);
    const gray = tf.floor(tf.add(tf.mean(luma, [1, 2], true), 0.5));
    const candidates = [
      blend(0, image, brightness),
      blend(gray, image, contrast),
      blend(luma, image, saturation),
      tf.concat(shiftHue(r, g, b, hueShift), 3),
    ];
    let next: tf.Tensor = tf.mul(image, tf.sub(1, on));
    candidates.forEach((candidate, i) => {
      const chosen = tf.mul(on, tf.cast(tf.equal(code, i), 'float32'));
      next = tf.add(next, tf.mul(candidate, chosen));
    });
    image = next;
  }

  const [r, g, b] = tf.split(image, 3, 3);
  const grayscale = column(augmentColumns.grayscale);
  return tf.add(
    tf.mul(image, tf.sub(1, grayscale)),
    tf.mul(lumaOf(r, g, b), grayscale),
  ) as tf.Tensor4D;
}

/** PIL's luma: (19595 R + 38470 G + 7471 B + 32768) >> 16; below 2^24, so exact in float32. */
function lumaOf(r: tf.Tensor, g: tf.Tensor, b: tf.Tensor): tf.Tensor {
  const sum = tf.add(tf.add(tf.mul(r, 19595), tf.mul(g, 38470)), tf.mul(b, 7471));
  return tf.floor(tf.div(tf.add(sum, 32768), 65536));
}

/** PIL's blend: from `base` towards and beyond `image`, clipped and truncated to 8 bits. */
function blend(base: tf.Tensor | number, image: tf.Tensor, factor: tf.Tensor): tf.Tensor {
  const mixed = tf.add(base, tf.mul(factor, tf.sub(image, base)));
  return tf.floor(tf.clipByValue(mixed, 0, 255));
}
