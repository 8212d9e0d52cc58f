import type { Random } from '@dinov2/primitives';
import { roundHalfEven } from './round-half-even';

/** Width and height in pixels. */
export interface ImageSize {
  readonly width: number;
  readonly height: number;
}

/** A rectangle inside an image, in whole pixels. */
export interface Rectangle extends ImageSize {
  readonly left: number;
  readonly top: number;
}

/**
 * The rectangle of torchvision's `RandomResizedCrop`: ten tries at an area share uniform in `scale`
 * and an aspect ratio log-uniform in `ratio`; then the largest central rectangle of a permitted ratio.
 */
export function sampleResizedCrop(
  random: Random,
  { width, height }: ImageSize,
  scale: readonly [number, number],
  ratio: readonly [number, number],
): Rectangle {
  const area = width * height;
  for (let attempt = 0; attempt < 10; attempt++) {
    const target = area * random.uniform(scale[0], scale[1]);
    const aspect = Math.exp(random.uniform(Math.log(ratio[0]), Math.log(ratio[1])));
    const w = roundHalfEven(Math.sqrt(target * aspect));
    const h = roundHalfEven(Math.sqrt(target / aspect));
    if (w > 0 && w <= width && h > 0 && h <= height) {
      const top = random.integer(height - h + 1);
      const left = random.integer(width - w + 1);
      return { left, top, width: w, height: h };
    }
  }
  return centralCrop({ width, height }, ratio);
}

function centralCrop({ width, height }: ImageSize, ratio: readonly [number, number]): Rectangle {
  let w = width;
  let h = height;
  if (width / height < ratio[0]) h = roundHalfEven(w / ratio[0]);
  else if (width / height > ratio[1]) w = roundHalfEven(h * ratio[1]);
  return { left: (width - w) >> 1, top: (height - h) >> 1, width: w, height: h };
}
