import type { HostArray } from '@dinov2/vit';
import { FeaturesError } from './error';

/** Sizes of images (B, H, W, 3). Throws a {@link FeaturesError} unless they divide into patches. */
export function checkImages({ data, shape }: HostArray, patchSize: number): { batch: number; height: number; width: number } {
  const [batch, height, width, channels] = shape;
  if (shape.length !== 4 || channels !== 3 || batch < 1 || data.length !== batch * height * width * 3) {
    throw new FeaturesError(`images of shape (${shape.join(', ')}) with ${data.length} numbers; pass (batch, height, width, 3)`);
  }
  if (height % patchSize !== 0 || width % patchSize !== 0 || height === 0 || width === 0) {
    throw new FeaturesError(
      `images of ${height} × ${width} pixels do not divide into patches of ${patchSize}; choose a preprocessing with sides that are multiples of ${patchSize}`,
    );
  }
  return { batch, height, width };
}
