import { type EvaluationOptions, type ImageSource, loadEvaluationImages } from '@dinov2/data';
import type { HostArray } from '@dinov2/jit';
import type { Settings } from '../config/schema';

/** Images of a source that could be read, in order, in batches. */
export interface LoadedImages {
  readonly batches: readonly HostArray[];
  /** Number in the source of each image. */
  readonly indices: Int32Array;
}

/** What of an image is looked at, in pixels. */
export interface View {
  /** Length of the shorter side after scaling. */
  readonly resize: number;
  /** Side of the central square that is kept. */
  readonly crop: number;
}

/** How files are read. */
export type Reading = Pick<EvaluationOptions, 'workers' | 'autoOrient'>;

/** The reading that a run's settings ask for. */
export function readingOf({ workers, autoOrient }: Pick<Settings, 'workers' | 'autoOrient'>): Reading {
  return { autoOrient, ...(workers !== null && { workers }) };
}

/** A square of `crop` pixels, by default with the margin of DINOv2's evaluation, 256 to 224. */
export function view(crop: number, resize: number | null = null): View {
  return { crop, resize: resize ?? Math.round((crop * 256) / 224) };
}

/** Read every image of a source with the evaluation transform: scaled, bicubic, central square, normalised. */
export async function loadImages(source: ImageSource, { resize, crop }: View, reading: Reading = {}): Promise<LoadedImages> {
  const batches: HostArray[] = [];
  const indices: number[] = [];
  for await (const batch of loadEvaluationImages(source, { resize, crop, batchSize: 32, ...reading })) {
    if (batch.indices.length === 0) continue;
    batches.push(batch.images);
    indices.push(...batch.indices);
  }
  return { batches, indices: Int32Array.from(indices) };
}
