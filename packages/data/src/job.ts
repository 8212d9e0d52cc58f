import type { MultiCropRecipe } from '@dinov2/augment';
import type { DecodeOptions } from './decode';

/** One image's work, as sent to a worker thread. */
export interface Job {
  readonly path: string;
  readonly decode: DecodeOptions;
  readonly task: MultiCropTask | CenterCropTask;
}

/** Draw and cut the crops of one training sample. */
export interface MultiCropTask {
  readonly kind: 'multi-crop';
  readonly recipe: MultiCropRecipe;
  readonly seed: number;
  /** Position of the sample in the run; with the seed, all that the draws depend on. */
  readonly position: number;
}

/** Resize the shorter side and cut out the middle. */
export interface CenterCropTask {
  readonly kind: 'center-crop';
  /** Length of the shorter side after resizing, in pixels. */
  readonly resize: number;
  /** Side of the square that is kept, at most `resize`. */
  readonly crop: number;
}

/** What a worker makes of a job. */
export type JobResult =
  | {
      /** Crops one after another, each (size, size, 3). */
      readonly pixels: Uint8Array<ArrayBuffer>;
      /** (crops, 12) packed colour parameters; empty for a centre crop. */
      readonly parameters: Float32Array<ArrayBuffer>;
    }
  | { readonly reason: string };
