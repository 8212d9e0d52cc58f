import { createLoader, type ImageSource, type LoaderOptions, type SkippedFile } from '@dinov2/data';
import type { CropBatch } from './batch';
import type { TrainerConfig } from './config';

/** A batch with what its source has to say of it. */
export interface SourcedBatch extends CropBatch {
  /** Files found unusable since the last batch. */
  readonly skipped?: readonly SkippedFile[];
}

/** A process among those that share the images. */
export interface Share {
  readonly rank: number;
  readonly world: number;
}

/** Where a trainer's crops come from. */
export interface CropSource {
  /** Images in one pass over the data. */
  readonly length: number;
  /**
   * Endless batches of `config.batchSize` images, the first one starting at a sample. A sample must be
   * a function of its position and `config.seed` alone: that is what makes a resumed run exact.
   *
   * @param share - the part of the images that this process of several reads; positions count in its share.
   */
  open(config: TrainerConfig, firstSample: number, share?: Share): AsyncIterator<SourcedBatch>;
}

/** Crops of a folder or list of images, decoded by worker threads. */
export function imageCrops(
  source: ImageSource,
  options: Pick<LoaderOptions, 'workers' | 'prefetch' | 'autoOrient' | 'minimumSide'> = {},
): CropSource {
  return {
    length: source.paths.length,
    async *open({ crops: recipe, batchSize, seed }, startSample, share) {
      for await (const batch of createLoader({ ...options, ...share, source, recipe, batchSize, seed, startSample })) {
        yield {
          globalCrops: batch.globalCrops.data,
          localCrops: batch.localCrops.data,
          globalAugmentation: batch.globalParameters.data,
          localAugmentation: batch.localParameters.data,
          skipped: batch.skipped,
        };
      }
    },
  };
}
