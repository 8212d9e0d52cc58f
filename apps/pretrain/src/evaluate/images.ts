import { type ImageSource, loadEvaluationImages } from '@dinov2/data';
import type { HostArray } from '@dinov2/jit';

/** Images of a source that could be read, in order, in batches. */
export interface LoadedImages {
  readonly batches: readonly HostArray[];
  /** Number in the source of each image. */
  readonly indices: Int32Array;
  /** Side in pixels. */
  readonly size: number;
}

/**
 * Read every image of a source with the evaluation transform, scaled to `size`: shorter side to
 * 256/224 of it, bicubic, central square, normalised.
 */
export async function loadImages(source: ImageSource, size: number, workers?: number): Promise<LoadedImages> {
  const batches: HostArray[] = [];
  const indices: number[] = [];
  const resize = Math.round((size * 256) / 224);
  for await (const batch of loadEvaluationImages(source, { resize, crop: size, batchSize: 32, workers })) {
    if (batch.indices.length === 0) continue;
    batches.push(batch.images);
    indices.push(...batch.indices);
  }
  return { batches, indices: Int32Array.from(indices), size };
}
