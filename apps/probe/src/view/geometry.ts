import type { Preprocessing } from '@dinov2/augment';
import { sizedPreprocessing } from '../inputs/subjects';
import type { NamedWeights } from '../inputs/weights';

/** Patches along the shorter side below which there is little to look at. */
const FEWEST = 16;

/** What of a picture the network sees, in pixels. */
export interface Geometry {
  /** The whole picture is resized to this. */
  readonly resize: Preprocessing['resize'];
  /** The middle of it is seen. */
  readonly height: number;
  readonly width: number;
}

/**
 * Preprocessing for pictures of `size` pixels along each side; by default the weights' own, and at least 16 patches:
 * a network trained on small crops has little to show of six by six patches.
 *
 * @throws ProbeError when the size is no multiple of the patch size.
 */
export function preprocessingForView(weights: NamedWeights, size?: number): Preprocessing {
  const { preprocessing, config } = weights.pretrained;
  const { crop, resize } = preprocessing;
  const own = crop ?? ('shortestEdge' in resize ? undefined : resize);
  const isSmall = own !== undefined && Math.min(own.height, own.width) < FEWEST * config.patchSize;
  return sizedPreprocessing(weights, { size: size ?? (isSmall ? FEWEST * config.patchSize : undefined) });
}

export function geometryOf({ resize, crop }: Preprocessing): Geometry {
  const { height, width } = crop ?? (resize as { height: number; width: number });
  return { resize, height, width };
}

/** Size to resize a picture to, and its middle, so that the middle is `scale` times what the network sees. */
export function cut(picture: { width: number; height: number }, { resize, height, width }: Geometry, scale: number) {
  const shorter = Math.min(picture.width, picture.height);
  const whole = 'shortestEdge' in resize
    ? { width: (picture.width * resize.shortestEdge) / shorter, height: (picture.height * resize.shortestEdge) / shorter }
    : resize;
  const target = { width: Math.round(width * scale), height: Math.round(height * scale) };
  const resized = { width: Math.max(target.width, Math.round(whole.width * scale)), height: Math.max(target.height, Math.round(whole.height * scale)) };
  return { resized, left: (resized.width - target.width) >> 1, top: (resized.height - target.height) >> 1, ...target };
}
