import type { Preprocessing } from '@dinov2/augment';
import type { SkippedFile } from '@dinov2/data';
import type { HostArray, VitConfig } from '@dinov2/vit';

/** A frozen network on the host: what `loadPretrained` of `@dinov2/weights` gives fits. */
export interface Backbone {
  readonly config: VitConfig;
  /** By canonical name, with the shapes of `parameterShapes(config)`. */
  readonly parameters: Readonly<Record<string, HostArray>>;
  /** How a picture becomes an input. */
  readonly preprocessing: Preprocessing;
}

/** What is wanted of every image. */
export interface Outputs {
  /** Class tokens of the last n blocks, each after the final norm; 0 for none. */
  readonly classTokens: number;
  /** Mean of the last block's patch tokens, after the final norm. Off by default. */
  readonly meanPatch?: boolean;
  /** Patch tokens of these blocks (0-based), in this order, after the final norm unless `norm` is false. */
  readonly patchTokens?: readonly number[];
  /** Whether the final norm is applied to `patchTokens`; on by default. */
  readonly norm?: boolean;
  /** Attention of the last block from the class token and the registers to the patches. Off by default. */
  readonly attention?: boolean;
}

/** Features of a batch of images, on the host. What was not asked for is absent. */
export interface Tokens {
  /** B, the number of images. */
  readonly count: number;
  /** (B, n, D), in network order: the last block is last. */
  readonly classTokens: HostArray;
  /** (B, D) */
  readonly meanPatch?: HostArray;
  /** (B, blocks, rows, columns, D) */
  readonly patchTokens?: HostArray;
  /** (B, heads, 1 + registers, rows, columns); a map sums to less than 1, other tokens hold the rest. */
  readonly attention?: HostArray;
}

/** Computes the features of images. */
export interface Extractor {
  /** `ViT-S/14, 4 registers`, `raw pixels`, … */
  readonly name: string;
  /** Tells weights and outputs: a hash of both. */
  readonly key: string;
  /** Tells the weights alone, so that features kept for more outputs serve for fewer. */
  readonly weightsKey?: string;
  /** D, the width of class and patch tokens. */
  readonly embedDim: number;
  /** Side of a patch in pixels. */
  readonly patchSize: number;
  readonly outputs: Outputs;
  readonly preprocessing: Preprocessing;
  /**
   * @param images - (B, H, W, 3) float32, normalised; H and W multiples of the patch size.
   * @throws FeaturesError when the images do not fit.
   */
  extract(images: HostArray): Promise<Tokens>;
  /** Free threads and memory. */
  dispose(): Promise<void>;
}

/** How far {@link extractFeatures} is. */
export interface ExtractProgress {
  /** Images that are finished: read from the cache, computed or skipped. */
  readonly done: number;
  readonly total: number;
  /** Images of `done` that were read from the cache. */
  readonly cached: number;
  /** Speed of those that were computed; 0 before the first. */
  readonly imagesPerSecond: number;
  /** Infinity before the first was computed, 0 at the end. */
  readonly secondsLeft: number;
}

/** Features of the images of a source that could be read, in its order; N of them. */
export interface FeatureTable {
  /** N */
  readonly count: number;
  /** (N,) number of each image in the source. */
  readonly indices: Int32Array;
  /** (N,) path of each image. */
  readonly paths: readonly string[];
  /** Images that could not be read, with the reason. */
  readonly skipped: readonly SkippedFile[];
  /**
   * (N, D) class tokens of one block.
   *
   * @param block - counted from the end: 1, the default, is the last.
   */
  classTokens(block?: number): HostArray;
  /** (N, D) means of the last block's patch tokens. */
  meanPatches(): HostArray;
  /**
   * (blocks, rows, columns, D) patch tokens of one image, read from disk.
   *
   * @param i - row of the table, not the number in the source.
   */
  patchTokens(i: number): Promise<HostArray>;
  /** (heads, 1 + registers, rows, columns) attention of the last block of one image, read from disk. */
  attention(i: number): Promise<HostArray>;
  /** Close the files. */
  close(): Promise<void>;
}
