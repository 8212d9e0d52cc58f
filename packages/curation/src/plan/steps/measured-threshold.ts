import { roundCosine } from './round-cosine';

/** What copies that were made of pictures, and the pictures' neighbours, say of embeddings. */
export interface MeasuredThreshold {
  readonly threshold: number;
  /** Whether the threshold finds most of the copies without joining pictures that only look alike. */
  readonly separable: boolean;
  /** Share of the made copies that are above the threshold. */
  readonly copiesFound: number;
  readonly reason: string;
}

/** Of the copies, how many are to be found. */
const FOUND = 0.9;
/** More copies than a picture usually has: the neighbour of this rank is another picture. */
const RANK = 10;
/** The farthest neighbours that the density about a picture is measured by. */
export const OUTER_RANK = 50;
/** Of the pictures, how many have no such neighbour above the threshold. */
const ALONE = 0.95;
/** Pictures that are not among the one in a hundred with the nearest look-alikes. */
const NOT_DENSEST = 0.99;
/** Look-alikes above the strict threshold, about a picture of those. */
const LOOK_ALIKES = 0.001;
/**
 * The estimate falls short of dimensions above, for want of neighbours (Levina and Bickel 2005); and the fewer
 * they are taken for, the stricter the threshold.
 */
const MOST_DIMENSIONS = 16;
/** Distance of two pictures whose embeddings are equal but for the rounding of float16 and of float32 sums. */
const ROUNDING = 1e-6;

/**
 * A threshold for embeddings of which nothing is known: nine of ten made copies are above it, and it is no lower than
 * `least`.
 *
 * Where ten neighbours of one picture in twenty are nearer than that, so are pictures that only look alike, and as a lost
 * original is worse than a copy that stays, the threshold is a strict one. It lies where hardly a look-alike is to be
 * expected even about the one picture in a hundred with the nearest ones. Their number within a distance r grows as r^d, with
 * the d that the sample's own neighbours show: if it is ten at the tenth's distance, it is a thousandth at 10^(−4/d) of that.
 *
 * @param copies - cosines between pictures and the copies made of them
 * @param neighbours - for each picture of a sample its cosines to its nearest {@link OUTER_RANK} others, the nearest first
 */
export function measuredThreshold(copies: readonly number[], neighbours: readonly ArrayLike<number>[], least: number): MeasuredThreshold {
  const ninth = quantile(copies, 1 - FOUND);
  const others = neighbours.flatMap((cosines) => (cosines.length < RANK ? [] : [cosines[RANK - 1]!]));
  const different = quantile(others, ALONE);
  const separable = different <= Math.max(least, ninth);
  const threshold = Math.min(roundCosine(separable ? Math.max(least, ninth) : strictThreshold(others, neighbours)), 1 - ROUNDING);
  const copiesFound = copies.filter((cosine) => cosine > threshold).length / copies.length;
  return { threshold, separable, copiesFound, reason: reasonOf() };

  function reasonOf(): string {
    if (threshold === least) return `of the paper; ${Math.round(100 * copiesFound)} % of ${copies.length} copies made of some pictures are more alike`;
    if (separable) return `nine of ten of ${copies.length} copies made of some pictures are more alike`;
    return (
      `these embeddings do not tell copies from look-alikes: one picture in twenty has ten neighbours above ${roundCosine(different)}, ` +
      `while nine of ten made copies are above ${roundCosine(ninth)} and no higher; so that no original is lost, only what matches almost to the pixel goes, ` +
      `and ${Math.round(100 * copiesFound)} % of ${copies.length} made copies would be found; to find more, embed with weights that were trained for longer, or look at the pairs of the report and set a threshold`
    );
  }
}

/** Where hardly any pair is of look-alikes; see {@link measuredThreshold}. */
function strictThreshold(others: readonly number[], neighbours: readonly ArrayLike<number>[]): number {
  const nearest = quantile(others, NOT_DENSEST);
  const dimension = Math.min(MOST_DIMENSIONS, intrinsicDimension(neighbours));
  // Squared distances of unit vectors are twice 1 − cosine.
  return 1 - (1 - nearest) * (LOOK_ALIKES / RANK) ** (2 / dimension);
}

/**
 * How many dimensions the embeddings fill about the pictures: the maximum-likelihood estimate of Levina and Bickel
 * (2005), in which the distances of what is nearer than the tenth neighbour, and may be a copy, are taken for unknown
 * (censored). 0 where nothing can be told.
 */
export function intrinsicDimension(neighbours: readonly ArrayLike<number>[]): number {
  let [points, logarithms] = [0, 0];
  for (const cosines of neighbours) {
    const distance = (rank: number) => Math.sqrt(Math.max(0, 1 - cosines[rank - 1]!));
    const outer = Math.min(OUTER_RANK, cosines.length);
    // A picture with more copies than there are ranks says nothing of look-alikes.
    if (outer <= RANK || 1 - cosines[RANK - 1]! < ROUNDING) continue;
    for (let rank = 1; rank < outer; rank++) logarithms += Math.log(distance(outer) / distance(Math.max(RANK, rank)));
    // Of the nearer ones it is known only that they are nearer.
    points += outer - RANK;
  }
  return logarithms === 0 ? 0 : points / logarithms;
}

/** The value that a share of the values is below. */
function quantile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? -Infinity;
}
