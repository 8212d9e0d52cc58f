import { createRandom } from '@dinov2/primitives';
import { type Hierarchy, rowsBelow } from '../hierarchy/hierarchy';
import { allocate } from './allocate';
import { pick } from './pick';

export interface BalanceOptions {
  /** Default 0. */
  readonly seed?: number;
  /** How often one row may be taken; default 1. */
  readonly multiplier?: number;
  /** Which rows of a finest cluster: random ones (the default), or those nearest to its centroid. */
  readonly choose?: 'random' | 'closest';
}

/**
 * `n` rows spread over the clusters as evenly as their sizes allow, level by level from the coarsest (Vo et al. 2024):
 * every cluster passes its share on to its children by {@link allocate}, with the rows below them as sizes.
 *
 * @returns (n,) rows, ascending; a row that is taken several times stands several times. All of them, `multiplier` times,
 * where there are fewer than `n`
 * @throws CurationError when `n` or the multiplier is not a whole number
 */
export function sampleBalanced(hierarchy: Hierarchy, n: number, { seed = 0, multiplier = 1, choose = 'random' }: BalanceOptions = {}): Uint32Array {
  const { levels } = hierarchy;
  const random = createRandom(seed).fork('balance');
  const sizes = rowsBelow(hierarchy);
  let shares: ArrayLike<number> = allocate(sizes.at(-1)!, n, random.fork('root'), multiplier);
  for (let level = levels.length - 1; level > 0; level--) {
    const { offsets, members } = levels[level]!;
    const draws = random.fork(level);
    const below = new Float64Array(sizes[level - 1]!.length);
    for (let cluster = 0; cluster < shares.length; cluster++) {
      const children = members.subarray(offsets[cluster], offsets[cluster + 1]);
      const given = allocate(Array.from(children, (child) => sizes[level - 1]![child]!), shares[cluster]!, draws, multiplier);
      children.forEach((child, i) => (below[child] = given[i]!));
    }
    shares = below;
  }
  const { offsets, members } = levels[0]!;
  const draws = random.fork('rows');
  let total = 0;
  for (let cluster = 0; cluster < shares.length; cluster++) total += shares[cluster]!;
  const rows = new Uint32Array(total);
  let at = 0;
  for (let cluster = 0; cluster < shares.length; cluster++) {
    const own = members.subarray(offsets[cluster], offsets[cluster + 1]);
    for (let left = shares[cluster]!; left > 0; ) {
      const taken = left >= own.length ? own : choose === 'closest' ? own.subarray(0, left) : pick(own, left, draws);
      rows.set(taken, at);
      at += taken.length;
      left -= taken.length;
    }
  }
  return rows.sort();
}
