import { type Preprocessing, preprocessings } from '@dinov2/augment';
import type { DecodeOptions } from './decode';
import { DataError } from './error';
import type { JobResult, PreprocessTask } from './job';
import type { HostArray, SkippedFile } from './loader';
import type { ImageSource, Span } from './source';
import { defaultWorkers, WorkerPool } from './worker-pool';

export interface EvaluationOptions extends DecodeOptions {
  /** How pictures become inputs, into one size for all; DINOv2's evaluation transform by default. */
  readonly preprocessing?: Preprocessing;
  /** Length of the shorter side after resizing, in pixels, in place of the preprocessing's. */
  readonly resize?: number;
  /** Side of the central square that is kept, in place of the preprocessing's. */
  readonly crop?: number;
  /** Images per batch, fewer in the last one; 32 by default. */
  readonly batchSize?: number;
  /** Decoding threads; cores − 1 by default. */
  readonly workers?: number;
  /**
   * A module, as JavaScript, that the decoding threads load: its `describe`, a {@link Describe}, looks at every decoded
   * image and its answers are the batch's `descriptions`.
   */
  readonly describe?: URL;
}

/** Some images of a source, in its order. */
export interface EvaluationBatch {
  /** (n, height, width, 3) float32, normalised. */
  readonly images: HostArray;
  /** (n,) class of each image, −1 for none. */
  readonly labels: Int32Array;
  /** (n,) number of each image in the source. */
  readonly indices: Int32Array;
  /** Files of this stretch that cannot be used; they are not in the batch. */
  readonly skipped: readonly SkippedFile[];
  /** (n,) what `describe` says of each image; absent without it. */
  readonly descriptions?: readonly unknown[];
}

/**
 * Go once through a source, each picture made into a frozen backbone's input; by default as DINOv2's
 * evaluation does it: shorter side to 256 pixels (bicubic, antialiased), central square of 224,
 * ImageNet's mean and standard deviation.
 *
 * @throws DataError when the crop is larger than the resized image, the preprocessing leaves pictures
 * of different sizes or no image can be read.
 */
export async function* loadEvaluationImages(
  source: ImageSource,
  options: EvaluationOptions = {},
): AsyncGenerator<EvaluationBatch, void> {
  const { batchSize = 32, autoOrient, minimumSide, describe } = options;
  const preprocessing = withSizes(options);
  const { height, width } = sizeOfAll(preprocessing);
  const pool = new WorkerPool(options.workers ?? defaultWorkers());
  const load = (first: number) =>
    Promise.all(
      source.paths.slice(first, first + batchSize).map(async (path, i) => ({
        path,
        span: source.spans?.[first + i],
        result: await pool.run({
          path,
          decode: { autoOrient, minimumSide },
          box: source.boxes?.[first + i],
          span: source.spans?.[first + i],
          task: { kind: 'preprocess', preprocessing, describe: describe?.href },
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
      const batch = collect(source, first, [height, width, 3], loaded);
      read += batch.indices.length;
      if (batch.indices.length > 0 || batch.skipped.length > 0) yield batch;
    }
  } finally {
    await pool.close();
  }
  if (read === 0) throw new DataError(`none of the ${source.paths.length} images can be read`);
}

function withSizes({ preprocessing = preprocessings.dinov2, resize, crop }: EvaluationOptions): Preprocessing {
  return {
    ...preprocessing,
    ...(resize !== undefined && { resize: { shortestEdge: resize } }),
    ...(crop !== undefined && { crop: { height: crop, width: crop } }),
  };
}

/** Height and width of every preprocessed picture, whatever the size of its file. */
function sizeOfAll({ resize, crop }: Preprocessing): { height: number; width: number } {
  const smallest = 'shortestEdge' in resize ? { height: resize.shortestEdge, width: resize.shortestEdge } : resize;
  if (crop !== undefined) {
    if (crop.height > smallest.height || crop.width > smallest.width) {
      throw new DataError(
        `a crop of ${crop.height} × ${crop.width} pixels does not fit images resized to ${smallest.height} × ${smallest.width}; pass crop <= resize`,
      );
    }
    return crop;
  }
  if ('shortestEdge' in resize) {
    throw new DataError(
      `with shorter sides of ${resize.shortestEdge} pixels and no crop, images have different sizes and do not fit one batch; pass a crop`,
    );
  }
  return resize;
}

function collect(
  source: ImageSource,
  first: number,
  shape: readonly [number, number, number],
  loaded: readonly { path: string; span?: Span; result: JobResult<PreprocessTask> }[],
): EvaluationBatch {
  const indices: number[] = [];
  const pictures: Float32Array[] = [];
  const skipped: SkippedFile[] = [];
  const descriptions: unknown[] = [];
  loaded.forEach(({ path, span, result }, i) => {
    if ('reason' in result) {
      skipped.push({ path, index: first + i, ...(span && { span }), reason: result.reason });
    } else {
      indices.push(first + i);
      pictures.push(result.data);
      if ('description' in result) descriptions.push(result.description);
    }
  });
  const size = shape[0] * shape[1] * shape[2];
  const data = new Float32Array(pictures.length * size);
  pictures.forEach((picture, i) => data.set(picture, i * size));
  return {
    images: { data, shape: [pictures.length, ...shape] },
    labels: Int32Array.from(indices, (index) => source.labels[index]),
    indices: Int32Array.from(indices),
    skipped,
    ...(descriptions.length > 0 && { descriptions }),
  };
}
