import type { RgbImage } from './decode';
import type { CenterCropTask } from './job';
import { resample } from './resample';

/**
 * torchvision's `Resize` (shorter side) and `CenterCrop` on a PIL image, bit for bit, computing only
 * the pixels that are kept.
 *
 * @returns (crop, crop, 3)
 */
export function centerCrop(
  image: RgbImage,
  { resize, crop }: Pick<CenterCropTask, 'resize' | 'crop'>,
): Uint8Array<ArrayBuffer> {
  const shorter = Math.min(image.width, image.height);
  const longer = Math.floor((resize * Math.max(image.width, image.height)) / shorter);
  const width = image.width <= image.height ? resize : longer;
  const height = image.width <= image.height ? longer : resize;
  return resample(image, [
    {
      crop: { left: 0, top: 0, width: image.width, height: image.height },
      width,
      height,
      window: { left: middle(width - crop), top: middle(height - crop), width: crop, height: crop },
    },
  ]);
}

/** Half of a margin, a half pixel to the even side as Python's `round` does. */
function middle(margin: number): number {
  const floor = Math.floor(margin / 2);
  return margin % 2 === 0 ? floor : floor + (floor % 2);
}
