import { hammingJoin } from '../hashes/hamming-join';
import { structureless } from '../hashes/perceptual-hash';
import { DisjointSet } from './disjoint-set';
import { equalGroups } from './equal-groups';

/**
 * Groups of pictures whose perceptual hashes differ in at most `radius` bits, directly or through others.
 *
 * Equal hashes are collapsed before hashes are compared, so that thousand-fold copies cost no more than one picture.
 * Pictures without structure are each alone: their hashes are equal, whatever their colours.
 *
 * @param hashes - of `perceptualHash`, one per row
 * @param radius - 0 for equal hashes only; up to 4 re-encoded and resized copies, from 10 on look-alikes. Half the bits of a
 * hash are ones, so distances are even numbers: 3 finds what 2 finds
 * @returns for each row the lowest row of its group
 * @throws CurationError when the radius is not a whole number from 0 to 32
 */
export function perceptualGroups(hashes: BigUint64Array, radius: number): Uint32Array {
  const equal = equalGroups(hashes);
  for (let row = 0; row < equal.length; row++) {
    if (hashes[row] === structureless) equal[row] = row;
  }
  const distinct = equal.filter((label, row) => label === row && hashes[row] !== structureless);
  const sets = new DisjointSet(hashes.length);
  for (let row = 0; row < equal.length; row++) sets.union(row, equal[row]!);
  const values = BigUint64Array.from(distinct, (row) => hashes[row]!);
  for (const { count, from, to } of hammingJoin(values, values, radius)) {
    for (let i = 0; i < count; i++) sets.union(distinct[from[i]!]!, distinct[to[i]!]!);
  }
  return sets.labels();
}
