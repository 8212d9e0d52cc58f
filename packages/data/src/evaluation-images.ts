import { imageNetMean, imageNetStd } from '@dinov2/augment';
import type { DecodeOptions } from './decode';
import { DataError } from './error';
import type { HostArray, SkippedFile } from './loader';
import type { ImageSource } from './source';
import { defaultWorkers, WorkerPool } from './worker-pool';

export interface EvaluationOptions extends DecodeOptions {
  /** Length of the shorter side after resizing, in pixels; 256 by default. */
  readonly resize?: number;
  /** Side of the central square that is kept; 224 by default. */
  readonly crop?: number;
  /** Images per batch, fewer in the last one; 32 by default. */
  readonly batchSize?: number;
  /** Decoding threads; cores − 1 by default. */
  readonly workers?: number;
}

/** Some images of a source, in its order. */
export interface EvaluationBatch {
  /** (n, crop, crop, 3) float32, normalised with ImageNet's mean and standard deviation. */
  readonly images: HostArray;
  /** (n,) class of each image, −1 for none. */
  readonly labels: Int32Array;
  /** (n,) number of each image in the source. */
  readonly indices: Int32Array;
  /** Files of this stretch that cannot be used; they are not in the batch. */
  readonly skipped: readonly SkippedFile[];
}

/**
 * Go once through a source with DINOv2's evaluation transform: shorter side to `resize` (bicubic,
 * antialiased), central square of `crop` pixels, normalised.
 *
 * @throws DataError when the crop is larger than the resized image or no image can be read.
 */
export async function* loadEvaluationImages(
  source: ImageSource,
  options: EvaluationOptions = {},
): AsyncGenerator<EvaluationBatch, void> {
  const { resize = 256, crop = 224, batchSize = 32, autoOrient, minimumSide } = options;
  if (crop > resize) {
    throw new DataError(`a crop of ${crop} pixels does not fit images resized to ${resize}; pass crop <= resize`);
  }
  const pool = new WorkerPool(options.workers ?? defaultWorkers());
  const load = (first: number) =>
    Promise.all(
      source.paths.slice(first, first + batchSize).map(async (path) => ({
        path,
        result: await pool.run({
          path,
          decode: { autoOrient, minimumSide },
          task: { kind: 'center-crop', resize, crop },
        }),
      })),
    );
  let read = 0;
  try {
    let pending = load(0);
    for (let first = 0; first < source.paths.length; first += batchSize) {
      const loaded = await pool.keepAlive(pending);
      pending = load(first + batchSize); // decoded while the caller works
      pending.catch(() => {});
      const batch = collect(source, first, crop, loaded);
      read += batch.indices.length;
      if (batch.indices.length > 0 || batch.skipped.length > 0) yield batch;
    }
  } finally {
    await pool.close();
  }
  if (read === 0) throw new DataError(`none of the ${source.paths.length} images can be read`);
}

type Loaded = Awaited<ReturnType<WorkerPool['run']>>;

function collect(
  source: ImageSource,
  first: number,
  crop: number,
  loaded: readonly { path: string; result: Loaded }[],
): EvaluationBatch {
  const indices: number[] = [];
  const pictures: Uint8Array[] = [];
  const skipped: SkippedFile[] = [];
  loaded.forEach(({ path, result }, i) => {
    if ('reason' in result) {
      skipped.push({ path, reason: result.reason });
    } else {
      indices.push(first + i);
      pictures.push(result.pixels);
    }
  });
  const data = new Float32Array(pictures.length * crop * crop * 3);
  pictures.forEach((pixels, i) => normalizeInto(pixels, data, i * pixels.length));
  return {
    images: { data, shape: [pictures.length, crop, crop, 3] },
    labels: Int32Array.from(indices, (index) => source.labels[index]),
    indices: Int32Array.from(indices),
    skipped,
  };
}

function normalizeInto(pixels: Uint8Array, output: Float32Array, offset: number): void {
  for (let channel = 0; channel < 3; channel++) {
    const mean = imageNetMean[channel];
    const std = imageNetStd[channel];
    for (let i = channel; i < pixels.length; i += 3) output[offset + i] = (pixels[i] / 255 - mean) / std;
  }
}
