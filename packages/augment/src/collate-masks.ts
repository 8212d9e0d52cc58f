import type { Random } from '@dinov2/primitives';
import { maskGrid, sampleBlockMask, sampleExactBlockMask } from './block-mask';
import { AugmentError } from './error';

/** How the masks of a batch are drawn. Plain JSON. */
export interface MaskRecipe {
  /** Rows of the batch: all its global crops, 2b. */
  readonly rows: number;
  /** Side of a global crop in pixels, a multiple of `patchSize`. */
  readonly imageSize: number;
  readonly patchSize: number;
  /** Lowest and highest share of masked patches in a masked row; [0.1, 0.5] by default. */
  readonly ratio?: readonly [number, number];
  /** Share of the rows that are masked; 0.5 by default. */
  readonly probability?: number;
  /** `dinov2` (default) may cover fewer patches than drawn; `dinov3` covers exactly the upper end of each stratum. */
  readonly variant?: 'dinov2' | 'dinov3';
  /** Roll each mask by a random number of rows and columns; `dinov3` only, off by default. */
  readonly circularShift?: boolean;
}

/** The masks of a batch and where its masked patches are, in arrays whose sizes the recipe alone fixes. */
export interface CollatedMasks {
  /** (rows, N) with N patches per crop; 1 where masked. */
  readonly masks: Uint8Array;
  /**
   * (upperbound,) flat positions in (rows · N): those of the masked patches, increasing, then
   * padding. All are distinct; the padding points at patches that are not masked.
   */
  readonly indices: Int32Array;
  /** (upperbound,) 1 / (masked patches of that row); 0 on the padding. */
  readonly weights: Float32Array;
  /** Length of `indices`: the most patches that the recipe can mask. */
  readonly upperbound: number;
  /** How many patches are masked. */
  readonly count: number;
}

/** Edges of the strata from which the masked rows draw their share: n + 1 values, float32. */
function strata({ rows, ratio = [0.1, 0.5], probability = 0.5 }: MaskRecipe): Float32Array {
  const n = Math.floor(rows * probability);
  const step = (ratio[1] - ratio[0]) / n;
  return Float32Array.from({ length: n + 1 }, (_, i) =>
    i === n ? (n === 0 ? ratio[0] : ratio[1]) : ratio[0] + step * i,
  );
}

/** Most patches that `collateMasks` can mask with this recipe: the static length of its index list. */
export function maskUpperbound(recipe: MaskRecipe): number {
  const side = checkedGrid(recipe).side;
  return strata(recipe)
    .subarray(1)
    .reduce((sum, edge) => sum + Math.floor(side * side * edge), 0);
}

/**
 * Draw the masks of a batch: stratified shares over the masked rows, shuffled among all rows
 * (DINOv2's `collate_data_and_cast`), with the index list padded to its upper bound.
 *
 * @throws AugmentError when the crop is not a whole number of patches or a share is outside [0, 1].
 */
export function collateMasks(random: Random, recipe: MaskRecipe): CollatedMasks {
  const grid = checkedGrid(recipe);
  const { rows, variant = 'dinov2', circularShift = false } = recipe;
  const patches = grid.side * grid.side;
  const edges = strata(recipe);
  const upperbound = maskUpperbound(recipe);

  const drawn: Uint8Array[] = [];
  for (let i = 0; i + 1 < edges.length; i++) {
    drawn.push(
      variant === 'dinov2'
        ? sampleBlockMask(random, grid, Math.floor(patches * random.uniform(edges[i], edges[i + 1])))
        : sampleExactBlockMask(random, grid, Math.floor(patches * edges[i + 1]), circularShift),
    );
  }

  const masks = new Uint8Array(rows * patches);
  random.permutation(rows).forEach((source, row) => {
    if (source < drawn.length) masks.set(drawn[source], row * patches);
  });

  const indices = new Int32Array(upperbound);
  const weights = new Float32Array(upperbound);
  let count = 0;
  for (let row = 0; row < rows; row++) {
    const start = count;
    for (let i = row * patches; i < (row + 1) * patches; i++) {
      if (masks[i] === 1) indices[count++] = i;
    }
    weights.fill(1 / Math.max(1, count - start), start, count);
  }
  // Distinct positions also in the padding, so that a scatter over `indices` never writes twice.
  for (let i = 0, next = count; next < upperbound; i++) {
    if (masks[i] === 0) indices[next++] = i;
  }
  return { masks, indices, weights, upperbound, count };
}

function checkedGrid({ rows, imageSize, patchSize, ratio = [0.1, 0.5], probability = 0.5 }: MaskRecipe) {
  if (imageSize % patchSize !== 0) {
    throw new AugmentError(
      `global crops of ${imageSize} pixels are not a whole number of patches of ${patchSize}; pass a multiple`,
    );
  }
  if (!Number.isInteger(rows) || rows < 1) {
    throw new AugmentError(`${rows} rows of masks; pass the number of global crops in the batch`);
  }
  if (!(ratio[0] >= 0 && ratio[0] <= ratio[1] && ratio[1] <= 1 && probability >= 0 && probability <= 1)) {
    throw new AugmentError(
      `mask ratio [${ratio}] with probability ${probability}; pass 0 <= low <= high <= 1 and a probability in [0, 1]`,
    );
  }
  return maskGrid(imageSize, patchSize);
}
