import type { Random } from '@dinov2/primitives';
import { colourAugmentation } from '../dense/photometric';
import { cut, type DepthMap, mirror, type RgbImage, type Window } from '../dense/raster';
import { fittedSize, resizeImage, resizeNearest } from '../dense/resize';
import { rotate } from '../dense/rotate';

/** How a training view of a picture with depth is drawn. */
export interface DepthAugmentation {
  /** Part of the picture that is used at all, such as NYU's without its white border. */
  readonly border?: Window;
  /** Shorter side after the resize; the picture's own size by default. */
  readonly shortSide?: number;
  /** Height and width of the crop. Smaller pictures are filled up with unknown depth. */
  readonly crop: readonly [number, number];
  /** Largest rotation, degrees. */
  readonly rotation: number;
  readonly rotationProbability: number;
  readonly flipProbability: number;
  readonly colourProbability: number;
  /** Range of the brightness factor of the colour augmentation. */
  readonly brightness: readonly [number, number];
}

export interface DepthImage {
  readonly image: RgbImage;
  readonly depth: DepthMap;
}

/** NYU Depth v2 (480 × 640) without its white border. */
export const nyuBorder: Window = { top: 45, left: 43, height: 427, width: 565 };

/** The plain view (`random` absent): the middle cropped. Or a random one: rotated, mirrored, cropped, coloured. */
export function depthView(sample: DepthImage, recipe: DepthAugmentation, random?: Random): DepthImage {
  let { image, depth } = sample;
  if (recipe.border !== undefined) {
    image = cut(image, 3, recipe.border);
    depth = cut(depth, 1, recipe.border);
  }
  const { width, height } = fittedSize(image, recipe.shortSide ?? Math.min(image.width, image.height));
  image = resizeImage(image, width, height);
  depth = resizeNearest(depth, width, height);
  if (random !== undefined && random.uniform() < recipe.rotationProbability) {
    ({ image, depth } = rotate(image, depth, random.uniform(-recipe.rotation, recipe.rotation)));
  }
  if (random !== undefined && random.uniform() < recipe.flipProbability) {
    image = mirror(image, 3);
    depth = mirror(depth, 1);
  }
  const spare = [height - recipe.crop[0], width - recipe.crop[1]].map((length) => Math.max(0, length)) as [number, number];
  const [top, left] = spare.map((length) => random?.integer(length + 1) ?? Math.floor(length / 2)) as [number, number];
  const place = { top, left, height: recipe.crop[0], width: recipe.crop[1] };
  image = cut(image, 3, place);
  depth = cut(depth, 1, place);
  if (random !== undefined && random.uniform() < recipe.colourProbability) image = colourAugmentation(image, random, recipe.brightness);
  return { image, depth };
}
