import type { Random } from '@dinov2/primitives';
import { photometricDistortion } from '../dense/photometric';
import { cut, type LabelMask, mirror, type RgbImage, type Window } from '../dense/raster';
import { fittedSize, resizeImage, resizeNearest } from '../dense/resize';

/** How a training view of a labelled picture is drawn. */
export interface SegmentationAugmentation {
  /** Shorter side after the resize, before the random ratio, in pixels. */
  readonly shortSide: number;
  /** Longer side it may reach; the picture is made smaller where it would pass it. No limit by default. */
  readonly longSide?: number;
  /** Height and width of the crop. Smaller pictures are filled up with unlabelled pixels. */
  readonly crop: readonly [number, number];
  /** Range of the random ratio of the resize. */
  readonly ratio: readonly [number, number];
  /** A crop is drawn again, up to ten times, while one class fills more than this share of it. */
  readonly categoryMaxRatio: number;
  readonly flipProbability: number;
  readonly photometricDistortion: boolean;
}

export interface LabelledImage {
  readonly image: RgbImage;
  readonly mask: LabelMask;
}

/** Labels that do not count. */
export const ignoredLabel = 255;

/** The plain view (`random` absent): resized, the middle cropped. Or a random one, as mmsegmentation draws them. */
export function segmentationView({ image, mask }: LabelledImage, recipe: SegmentationAugmentation, random?: Random): LabelledImage {
  const ratio = random?.uniform(...recipe.ratio) ?? 1;
  const { width, height } = fittedSize(image, recipe.shortSide * ratio, (recipe.longSide ?? Infinity) * ratio);
  const labels = resizeNearest(mask, width, height);
  const [cropHeight, cropWidth] = [Math.min(recipe.crop[0], height), Math.min(recipe.crop[1], width)];
  const window = (top: number, left: number): Window => ({ top, left, height: cropHeight, width: cropWidth });

  let place = window(Math.floor((height - cropHeight) / 2), Math.floor((width - cropWidth) / 2));
  if (random !== undefined) {
    for (let attempt = 0; attempt < 10; attempt++) {
      place = window(random.integer(height - cropHeight + 1), random.integer(width - cropWidth + 1));
      if (recipe.categoryMaxRatio >= 1 || largestShare(cut(labels, 1, place)) < recipe.categoryMaxRatio) break;
    }
  }
  let view: LabelledImage = { image: cut(resizeImage(image, width, height), 3, place), mask: cut(labels, 1, place) };
  if (random !== undefined) {
    if (random.uniform() < recipe.flipProbability) view = { image: mirror(view.image, 3), mask: mirror(view.mask, 1) };
    if (recipe.photometricDistortion) view = { image: photometricDistortion(view.image, random), mask: view.mask };
  }
  const whole = { top: 0, left: 0, height: recipe.crop[0], width: recipe.crop[1] };
  return { image: cut(view.image, 3, whole, meanColour), mask: cut(view.mask, 1, whole, [ignoredLabel]) };
}

// Of ImageNet: near 0 once normalised, as the padding of mmsegmentation is.
const meanColour = [124, 116, 104];

/** Share of the most frequent class among labelled pixels; 1 where there is but one class or none. */
function largestShare({ data }: LabelMask): number {
  const counts = new Map<number, number>();
  let labelled = 0;
  for (const label of data) {
    if (label === ignoredLabel) continue;
    labelled++;
    counts.set(label, (counts.get(label) ?? 0) + 1);
  }
  return counts.size <= 1 ? 1 : Math.max(...counts.values()) / labelled;
}
