import type { MultiCropRecipe, Preprocessing, Rectangle } from '@dinov2/augment';
import type { DecodeOptions } from './decode';
import type { PreprocessedImage } from './preprocess';
import type { Span } from './source';

/** One image's work, as sent to a worker thread. */
export interface Job<T extends Task = Task> {
  readonly path: string;
  readonly decode: DecodeOptions;
  /** The part of the file that is the image; all of it by default. */
  readonly box?: Rectangle;
  /** The bytes of the file that are the image; all by default. */
  readonly span?: Span;
  readonly task: T;
}

export type Task = MultiCropTask | PreprocessTask;

/** Draw and cut the crops of one training sample. */
export interface MultiCropTask {
  readonly kind: 'multi-crop';
  readonly recipe: MultiCropRecipe;
  readonly seed: number;
  /** Position of the sample in the run; with the seed, all that the draws depend on. */
  readonly position: number;
}

/** Make the input of a frozen backbone. */
export interface PreprocessTask {
  readonly kind: 'preprocess';
  readonly preprocessing: Preprocessing;
  /** Address of a module whose `describe` looks at the decoded image as well. */
  readonly describe?: string;
}

/** What a worker makes of a job, or why the file cannot be used. */
export type JobResult<T extends Task = Task> =
  | (T extends MultiCropTask ? CutCrops : DescribedImage)
  | { readonly reason: string };

/** The input of a backbone, with what was found by looking at the image. */
export interface DescribedImage extends PreprocessedImage {
  readonly description?: unknown;
}

export interface CutCrops {
  /** Crops one after another, each (size, size, 3). */
  readonly pixels: Uint8Array<ArrayBuffer>;
  /** (crops, 12) packed colour parameters. */
  readonly parameters: Float32Array<ArrayBuffer>;
}
