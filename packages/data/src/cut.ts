import type { Rectangle } from '@dinov2/augment';
import type { RgbImage } from './decode';
import { DataError } from './error';

/**
 * The part of an image inside a box, which may reach over its edges.
 *
 * @throws DataError when the box is outside of the image.
 */
export function cut(image: RgbImage, box: Rectangle): RgbImage {
  const left = Math.max(0, box.left);
  const top = Math.max(0, box.top);
  const width = Math.min(image.width, box.left + box.width) - left;
  const height = Math.min(image.height, box.top + box.height) - top;
  if (width <= 0 || height <= 0) {
    throw new DataError(
      `a box at (${box.left}, ${box.top}) of ${box.width} × ${box.height} is outside of the image of ${image.width} × ${image.height} pixels`,
    );
  }
  const data = new Uint8Array(width * height * 3);
  for (let y = 0; y < height; y++) {
    const from = ((top + y) * image.width + left) * 3;
    data.set(image.data.subarray(from, from + width * 3), y * width * 3);
  }
  return { data, width, height };
}
