import type { Random } from '@dinov2/primitives';
import { roundHalfEven } from './round-half-even';

const minPatches = 4;
const logAspect = Math.log(1 / 0.3);
const attempts = 10;

/** Number of patches along a side and the cap on one block, for square crops. */
export interface MaskGrid {
  /** Patches along a side. */
  readonly side: number;
  /** Most patches that one block may newly cover. */
  readonly maxBlock: number;
}

/**
 * The grid of a square global crop. The cap is ⌊⌊size / 2 / patch⌋ · size / patch⌋, as in DINOv2.
 *
 * @param imageSize - side of the global crop in pixels, a multiple of `patchSize`.
 */
export function maskGrid(imageSize: number, patchSize: number): MaskGrid {
  return {
    side: Math.floor(imageSize / patchSize),
    maxBlock: Math.floor((Math.floor((0.5 * imageSize) / patchSize) * imageSize) / patchSize),
  };
}

/**
 * Mask random blocks until `target` patches are covered or ten tries in a row find no place
 * (DINOv2's `MaskingGenerator`, after BEiT). Never covers more than the target; often a few less.
 *
 * @returns (side²,) row by row, 1 where masked.
 */
export function sampleBlockMask(random: Random, grid: MaskGrid, target: number): Uint8Array {
  const mask = new Uint8Array(grid.side * grid.side);
  let covered = 0;
  while (covered < target) {
    const added = placeBlock(random, mask, grid.side, Math.min(target - covered, grid.maxBlock));
    if (added === 0) break;
    covered += added;
  }
  return mask;
}

function placeBlock(random: Random, mask: Uint8Array, side: number, most: number): number {
  for (let attempt = 0; attempt < attempts; attempt++) {
    const area = random.uniform(minPatches, most);
    const aspect = Math.exp(random.uniform(-logAspect, logAspect));
    const height = roundHalfEven(Math.sqrt(area * aspect));
    const width = roundHalfEven(Math.sqrt(area / aspect));
    // Strict: a block never spans the whole height or width.
    if (width >= side || height >= side) continue;
    const top = random.integer(side - height + 1);
    const left = random.integer(side - width + 1);
    let free = 0;
    for (let y = top; y < top + height; y++) {
      for (let x = left; x < left + width; x++) free += 1 - mask[y * side + x];
    }
    if (free === 0 || free > most) continue;
    for (let y = top; y < top + height; y++) mask.fill(1, y * side + left, y * side + left + width);
    return free;
  }
  return 0;
}

/**
 * Blocks as in {@link sampleBlockMask}, then single patches chosen uniformly until exactly `target`
 * are covered (DINOv3).
 *
 * @param circularShift - also roll the mask by a random number of rows and columns.
 */
export function sampleExactBlockMask(
  random: Random,
  grid: MaskGrid,
  target: number,
  circularShift = false,
): Uint8Array {
  const mask = sampleBlockMask(random, grid, target);
  const free = Array.from(mask.keys()).filter((i) => mask[i] === 0);
  const missing = target - (mask.length - free.length);
  for (const i of random.permutation(free.length).subarray(0, missing)) mask[free[i]] = 1;
  return circularShift ? roll(mask, grid.side, random.integer(grid.side), random.integer(grid.side)) : mask;
}

function roll(mask: Uint8Array, side: number, down: number, right: number): Uint8Array {
  const rolled = new Uint8Array(mask.length);
  for (let y = 0; y < side; y++) {
    for (let x = 0; x < side; x++) {
      rolled[((y + down) % side) * side + ((x + right) % side)] = mask[y * side + x];
    }
  }
  return rolled;
}
