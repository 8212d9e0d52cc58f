import { CurationError } from '../error';
import { hammingJoin } from '../hashes/hamming-join';
import { structureless } from '../hashes/perceptual-hash';
import { checkLength } from './check-options';
import { listComponents } from './component-list';
import { DisjointSet } from './disjoint-set';
import { equalGroups } from './equal-groups';

export interface PerceptualOptions {
  /**
   * Width over height of each row. The hash squeezes every picture into a square, so different pictures collide more often
   * than copies change their proportions: only pictures of about equal ones are joined.
   */
  readonly aspects?: ArrayLike<number>;
  /** How much the proportions may differ, as a share; 0.05 by default, a pixel of 20. */
  readonly aspectTolerance?: number;
}

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
 * @throws CurationError when the radius is not a whole number from 0 to 32, or aspects do not fit
 */
export function perceptualGroups(
  hashes: BigUint64Array,
  radius: number,
  { aspects, aspectTolerance = 0.05 }: PerceptualOptions = {},
): Uint32Array {
  checkLength('aspects', aspects?.length, hashes.length);
  if (!(aspectTolerance >= 0)) throw new CurationError(`aspect tolerance ${aspectTolerance}; pass a share of at least 0, such as 0.05`);
  const spread = Math.log1p(aspectTolerance);
  const sets = new DisjointSet(hashes.length);
  const nodes = joinEqual(hashes, sets, spread, (row) => (aspects ? Math.log(aspects[row]!) : 0));
  const values = BigUint64Array.from(nodes.rows, (row) => hashes[row]!);
  for (const { count, from, to } of hammingJoin(values, values, radius)) {
    for (let i = 0; i < count; i++) {
      const [a, b] = [from[i]!, to[i]!];
      // Within a range of shapes the next is never further than the spread: ranges that come that near have rows that do.
      const near = nodes.narrowest[a]! - nodes.widest[b]! <= spread && nodes.narrowest[b]! - nodes.widest[a]! <= spread;
      if (near) sets.union(nodes.rows[a]!, nodes.rows[b]!);
    }
  }
  return sets.labels();
}

/** Pictures of one hash, the shapes of which lie in one range. */
interface Nodes {
  /** A row of each. */
  readonly rows: Uint32Array;
  readonly narrowest: Float64Array;
  readonly widest: Float64Array;
}

/** Joins rows of equal hashes whose shapes are near, and gives one node for all that were joined; none where structureless. */
function joinEqual(hashes: BigUint64Array, sets: DisjointSet, spread: number, shape: (row: number) => number): Nodes {
  const equal = equalGroups(hashes);
  const { labels, starts, members } = listComponents(equal);
  const rows = new Uint32Array(hashes.length);
  const narrowest = new Float64Array(hashes.length);
  const widest = new Float64Array(hashes.length);
  let count = 0;
  const add = (row: number) => {
    rows[count] = row;
    narrowest[count] = widest[count] = shape(row);
    count++;
  };
  const copied = new Uint8Array(hashes.length);
  labels.forEach((label, index) => {
    const group = members.slice(starts[index], starts[index + 1]);
    for (const row of group) copied[row] = 1;
    if (hashes[label] === structureless) return;
    group.sort((a, b) => shape(a) - shape(b) || a - b);
    group.forEach((row, i) => {
      if (i === 0 || shape(row) - widest[count - 1]! > spread) add(row);
      else {
        sets.union(rows[count - 1]!, row);
        widest[count - 1] = shape(row);
      }
    });
  });
  for (let row = 0; row < hashes.length; row++) {
    if (copied[row] === 0 && hashes[row] !== structureless) add(row);
  }
  return { rows: rows.subarray(0, count), narrowest: narrowest.subarray(0, count), widest: widest.subarray(0, count) };
}
