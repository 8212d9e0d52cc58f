import type { Random } from '@dinov2/primitives';
import type { MultiCropRecipe } from './recipe';
import { type ImageSize, type Rectangle, sampleResizedCrop } from './resized-crop';

/** A colour operation of the jitter. */
export type JitterOperation = 'brightness' | 'contrast' | 'saturation' | 'hue';

/** The jitter's operations in the order of their codes 0, 1, 2, 3 (as in torchvision). */
export const jitterOperations: readonly JitterOperation[] = [
  'brightness',
  'contrast',
  'saturation',
  'hue',
];

/** Drawn colour jitter of one crop. */
export interface Jitter {
  readonly order: readonly JitterOperation[];
  readonly brightness: number;
  readonly contrast: number;
  readonly saturation: number;
  /** Share of a full turn, in [−0.5, 0.5]. */
  readonly hue: number;
}

/** Colour part of a crop's parameters. */
export interface ColorParameters {
  readonly jitter: Jitter | null;
  readonly grayscale: boolean;
  /** Standard deviation of the Gaussian blur in pixels, or null for none. */
  readonly blurSigma: number | null;
  readonly solarize: boolean;
}

/** Everything drawn for one crop of one image. Plain JSON. */
export interface CropParameters extends ColorParameters {
  /** What is cut out of the image, before it is resized to `size` by `size` pixels. */
  readonly crop: Rectangle;
  readonly size: number;
  readonly flip: boolean;
}

/** The drawn crops of one image. */
export interface MultiCrop {
  /** Two. */
  readonly global: readonly CropParameters[];
  readonly local: readonly CropParameters[];
}

/**
 * Draw the crops of one image, each independently (DINOv2's `DataAugmentationDINO`).
 *
 * @param image - width and height in pixels.
 */
export function sampleMultiCrop(random: Random, image: ImageSize, recipe: MultiCropRecipe): MultiCrop {
  const draw = (size: number, scale: readonly [number, number], blur: number, solarize: number) =>
    sampleCrop(random, image, recipe, { size, scale, blur, solarize });
  return {
    global: [
      draw(recipe.globalSize, recipe.globalScale, recipe.blur[0], 0),
      draw(recipe.globalSize, recipe.globalScale, recipe.blur[1], recipe.solarize),
    ],
    local: Array.from({ length: recipe.localCount }, () =>
      draw(recipe.localSize, recipe.localScale, recipe.blur[2], 0),
    ),
  };
}

function sampleCrop(
  random: Random,
  image: ImageSize,
  recipe: MultiCropRecipe,
  kind: { size: number; scale: readonly [number, number]; blur: number; solarize: number },
): CropParameters {
  const around = (spread: number) => random.uniform(1 - spread, 1 + spread);
  const happens = (probability: number) => random.uniform() < probability;
  return {
    crop: sampleResizedCrop(random, image, kind.scale, recipe.ratio),
    size: kind.size,
    flip: happens(recipe.horizontalFlip),
    jitter: happens(recipe.colorJitter)
      ? {
          order: Array.from(random.permutation(4), (code) => jitterOperations[code]),
          brightness: around(recipe.brightness),
          contrast: around(recipe.contrast),
          saturation: around(recipe.saturation),
          hue: random.uniform(-recipe.hue, recipe.hue),
        }
      : null,
    grayscale: happens(recipe.grayscale),
    blurSigma: happens(kind.blur) ? random.uniform(...recipe.blurSigma) : null,
    solarize: happens(kind.solarize),
  };
}
