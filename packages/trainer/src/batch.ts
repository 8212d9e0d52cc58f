import { augmentColumnCount, collateMasks, type MaskRecipe, maskUpperbound } from '@dinov2/augment';
import { flattenTree, type HostArray, mapTree, type TensorSpec, unflattenTree } from '@dinov2/jit';
import { createRandom } from '@dinov2/primitives';
import { type BlockRows, sampleDropPathRows } from '@dinov2/vit';
import type { TrainerConfig } from './config';

/**
 * What one compiled step reads. B images, 2B global and nB local crops, crop-major: all images of
 * the first crop, then of the second, …; N patches per global crop, M rows of masked patches.
 */
export type Batch<T> = {
  /** (2B, S, S, 3) float32, whole numbers 0 to 255 */
  readonly globalCrops: T;
  /** (2B, 12) colour parameters */
  readonly globalAugmentation: T;
  /** (nB, s, s, 3); absent without local crops */
  readonly localCrops?: T;
  readonly localAugmentation?: T;
  /** (2B, N) bool, true where the student sees the mask token */
  readonly masks: T;
  /** (M) int32, row · N + patch; distinct, padded with unmasked patches */
  readonly maskIndices: T;
  /** (M), 1 / (masked patches of the row), 0 for padding */
  readonly maskWeights: T;
  /** (M), 1 for masked patches, 0 for padding */
  readonly maskValid: T;
  /** Rows that each block computes; absent without drop path */
  readonly dropRows?: readonly BlockRows<T>[];
};

/** Crops of B images with their colour parameters, row-major and crop-major. Pixels are 0 to 255. */
export interface CropBatch {
  /** (2B, S, S, 3) */
  readonly globalCrops: Uint8Array | Float32Array;
  /** (nB, s, s, 3) */
  readonly localCrops: Uint8Array | Float32Array;
  /** (2B, 12), see `augmentColumns` of `@dinov2/augment` */
  readonly globalAugmentation: Float32Array;
  /** (nB, 12) */
  readonly localAugmentation: Float32Array;
}

/** How the masks of a configuration's batches are drawn. */
function maskRecipe({ batchSize, crops, model, ibot }: TrainerConfig): MaskRecipe {
  return {
    rows: 2 * batchSize,
    imageSize: crops.globalSize,
    patchSize: model.patchSize,
    ratio: ibot.maskRatio,
    probability: ibot.maskProbability,
  };
}

/** Whether the patch loss has anything to compare. */
export function usesIbot(config: TrainerConfig): boolean {
  return config.ibot.lossWeight > 0 && maskUpperbound(maskRecipe(config)) > 0;
}

/**
 * Complete a batch with masks and drop-path rows. They depend on the seed and `number` only, the
 * batch's place in the run, so a resumed run draws the same.
 */
export function assembleBatch(config: TrainerConfig, crops: CropBatch, number: number): Batch<HostArray> {
  const { batchSize, crops: recipe, model, dropPath } = config;
  const random = createRandom(config.seed);
  const mask = maskRecipe(config);
  const { masks, indices, weights, count } = collateMasks(random.fork('masks').fork(number), mask);
  const globals = 2 * batchSize;
  const locals = recipe.localCount * batchSize;
  const rates = dropPath.uniform
    ? dropPath.rate
    : Array.from({ length: model.depth }, (_, i) => (dropPath.rate * i) / Math.max(1, model.depth - 1));
  const pixels = (values: Uint8Array | Float32Array, rows: number, size: number): HostArray => ({
    data: values instanceof Float32Array ? values : Float32Array.from(values),
    shape: [rows, size, size, 3],
  });
  const parameters = (data: Float32Array, rows: number): HostArray => ({ data, shape: [rows, augmentColumnCount] });
  return {
    globalCrops: pixels(crops.globalCrops, globals, recipe.globalSize),
    globalAugmentation: parameters(crops.globalAugmentation, globals),
    ...(locals > 0 && {
      localCrops: pixels(crops.localCrops, locals, recipe.localSize),
      localAugmentation: parameters(crops.localAugmentation, locals),
    }),
    masks: { data: masks, shape: [globals, masks.length / globals] },
    maskIndices: { data: indices, shape: [indices.length] },
    maskWeights: { data: weights, shape: [weights.length] },
    maskValid: { data: Float32Array.from(indices, (_, i) => (i < count ? 1 : 0)), shape: [indices.length] },
    ...(dropPath.rate > 0 && {
      dropRows: sampleDropPathRows(
        random.fork('drop path').fork(number),
        locals > 0 ? [globals, locals] : [globals],
        rates,
        model.depth,
      ),
    }),
  };
}

/** Batches of one configuration under each other, with a first axis that counts them. */
export function stackBatches(batches: readonly Batch<HostArray>[]): Batch<HostArray> {
  const { structure } = flattenTree(batches[0]);
  const all = batches.map((batch) => flattenTree<typeof batch, HostArray>(batch).leaves);
  const stacked = all[0].map(({ data, shape }, i): HostArray => {
    const whole = new (data.constructor as new (length: number) => typeof data)(batches.length * data.length);
    all.forEach((leaves, j) => whole.set(leaves[i].data, j * data.length));
    return { data: whole, shape: [batches.length, ...shape] };
  });
  return unflattenTree(structure, stacked);
}

/** Shapes and types of what one compiled step of a configuration reads. */
export function batchSpecs(config: TrainerConfig): Batch<TensorSpec> {
  const none = new Float32Array(0);
  const crops = { globalCrops: none, localCrops: none, globalAugmentation: none, localAugmentation: none };
  const { shards } = config;
  return mapTree(assembleBatch(config, crops, 0), (leaf): TensorSpec => {
    const { data, shape: ofOneShard } = leaf as HostArray;
    const shape = shards === undefined ? ofOneShard : [shards, ...ofOneShard];
    return { shape, dtype: data instanceof Int32Array ? 'int32' : data instanceof Uint8Array ? 'bool' : 'float32' };
  }) as Batch<TensorSpec>;
}
