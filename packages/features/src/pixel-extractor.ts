import type { Preprocessing } from '@dinov2/augment';
import type { HostArray } from '@dinov2/vit';
import { checkImages } from './check-images';
import { extractorKey, sha256 } from './describe-backbone';
import { FeaturesError } from './error';
import type { Extractor, Outputs, Tokens } from './types';

/** Choices of {@link pixelExtractor}. */
export interface PixelOptions {
  /** Side of a patch in pixels, p. */
  readonly patchSize: number;
  readonly preprocessing: Preprocessing;
}

/**
 * Pixels in place of features, the baseline that a network has to beat. A patch token is the patch's
 * pixels, the class token the picture shrunk to p × p pixels by averaging; both are vectors of D = 3p².
 * Asked for several blocks, it gives the same values for each. There is no attention.
 *
 * @throws FeaturesError for attention.
 */
export function pixelExtractor(outputs: Outputs, { patchSize, preprocessing }: PixelOptions): Extractor {
  if (outputs.attention === true) throw new FeaturesError('pixels have no attention; leave it out of the outputs');
  const weights = sha256(`pixels ${patchSize}`);
  return {
    name: 'raw pixels',
    key: extractorKey(weights, outputs),
    weightsKey: weights,
    embedDim: 3 * patchSize ** 2,
    patchSize,
    outputs,
    preprocessing,
    extract: async (images) => pixelTokens(images, patchSize, outputs),
    dispose: async () => {},
  };
}

function pixelTokens(images: HostArray, p: number, outputs: Outputs): Tokens {
  const { batch, height, width } = checkImages(images, p);
  const [rows, columns] = [height / p, width / p];
  const D = 3 * p ** 2;
  const pixels = cutPatches(images.data, batch, height, width, p); // (B, rows · columns, D)
  const blocks = outputs.patchTokens?.length ?? 0;
  return {
    count: batch,
    classTokens: {
      data: repeatEach(shrink(images.data, batch, height, width, p), batch, outputs.classTokens),
      shape: [batch, outputs.classTokens, D],
    },
    ...(outputs.meanPatch && { meanPatch: { data: meanOfPatches(pixels, batch, rows * columns), shape: [batch, D] } }),
    ...(blocks > 0 && {
      patchTokens: { data: repeatEach(pixels, batch, blocks), shape: [batch, blocks, rows, columns, D] },
    }),
  };
}

/** (B, H, W, 3) → (B, H/p · W/p, p · p · 3) */
function cutPatches(data: Float32Array, batch: number, height: number, width: number, p: number): Float32Array {
  const out = new Float32Array(data.length);
  let to = 0;
  for (let image = 0; image < batch; image++) {
    for (let top = 0; top < height; top += p) {
      for (let left = 0; left < width; left += p) {
        for (let y = top; y < top + p; y++) {
          const from = ((image * height + y) * width + left) * 3;
          out.set(data.subarray(from, from + 3 * p), to);
          to += 3 * p;
        }
      }
    }
  }
  return out;
}

/** (B, H, W, 3) → (B, p · p · 3): each of p × p cells the mean of the pixels that it touches. */
function shrink(data: Float32Array, batch: number, height: number, width: number, p: number): Float32Array {
  const out = new Float32Array(batch * p * p * 3);
  let to = 0;
  for (let image = 0; image < batch; image++) {
    for (let row = 0; row < p; row++) {
      const [top, bottom] = [Math.floor((row * height) / p), Math.ceil(((row + 1) * height) / p)];
      for (let column = 0; column < p; column++) {
        const [left, right] = [Math.floor((column * width) / p), Math.ceil(((column + 1) * width) / p)];
        for (let channel = 0; channel < 3; channel++) {
          let sum = 0;
          for (let y = top; y < bottom; y++) {
            for (let x = left; x < right; x++) sum += data[((image * height + y) * width + x) * 3 + channel];
          }
          out[to++] = sum / ((bottom - top) * (right - left));
        }
      }
    }
  }
  return out;
}

/** (B, N, D) → (B, D) */
function meanOfPatches(patches: Float32Array, batch: number, count: number): Float32Array {
  const D = patches.length / (batch * count);
  const out = new Float32Array(batch * D);
  for (let image = 0; image < batch; image++) {
    for (let d = 0; d < D; d++) {
      let sum = 0;
      for (let n = 0; n < count; n++) sum += patches[(image * count + n) * D + d];
      out[image * D + d] = sum / count;
    }
  }
  return out;
}

/** (B, …) → (B, times, …) */
function repeatEach(data: Float32Array, batch: number, times: number): Float32Array {
  const size = data.length / batch;
  const out = new Float32Array(data.length * times);
  for (let i = 0; i < batch * times; i++) {
    const image = Math.floor(i / times);
    out.set(data.subarray(image * size, (image + 1) * size), i * size);
  }
  return out;
}
