import type { Preprocessing } from '@dinov2/augment';
import { ProbeError } from '../error';

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
 * A model's preprocessing for pictures of `size` pixels along the shorter side; by default its own size,
 * and at least 16 patches: a network trained on small crops has little to show of six by six patches.
 *
 * @throws ProbeError when the size is no multiple of the patch size.
 */
export function preprocessingForView(preprocessing: Preprocessing, patchSize: number, size?: number): Preprocessing {
  const { resize, crop } = preprocessing;
  if (crop === undefined && 'shortestEdge' in resize) {
    throw new ProbeError('the weights come with a preprocessing that leaves pictures in sizes of their own; pass --size N to look at squares of N pixels');
  }
  const own = crop ?? (resize as { height: number; width: number });
  const shorter = Math.min(own.height, own.width);
  const wanted = size ?? Math.max(shorter, FEWEST * patchSize);
  if (wanted % patchSize !== 0 || wanted < patchSize) {
    throw new ProbeError(`--size ${wanted} is no multiple of the patch size ${patchSize}; pass ${Math.max(1, Math.round(wanted / patchSize)) * patchSize}`);
  }
  if (wanted === shorter) return preprocessing;
  const scale = (length: number) => Math.round((length * wanted) / shorter);
  const patches = (length: number) => Math.max(1, Math.round((length * wanted) / shorter / patchSize)) * patchSize;
  return {
    ...preprocessing,
    resize: 'shortestEdge' in resize ? { shortestEdge: scale(resize.shortestEdge) } : crop === undefined ? { height: patches(resize.height), width: patches(resize.width) } : { height: scale(resize.height), width: scale(resize.width) },
    ...(crop && { crop: { height: patches(crop.height), width: patches(crop.width) } }),
  };
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
