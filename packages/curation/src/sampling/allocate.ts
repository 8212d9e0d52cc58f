import type { Random } from '@dinov2/primitives';
import { CurationError } from '../error';

/**
 * Share `n` among groups as evenly as their sizes allow (Vo et al. 2024): every group gets min(c, u·s_j) with the largest
 * whole c for which that is at most `n` in sum, and what is left goes, one each, to random groups that have more than c.
 *
 * @param sizes - images of each group, s_j
 * @param n - how many to share out; if the groups have fewer, all are taken
 * @param multiplier - u, how often one image may be taken; default 1
 * @returns how many each group gives
 * @throws CurationError when `n`, a size or the multiplier is not a whole number
 */
export function allocate(sizes: ArrayLike<number>, n: number, random: Random, multiplier = 1): number[] {
  checkWhole('n', n, 0);
  checkWhole('multiplier', multiplier, 1);
  const limits = Array.from(sizes, (size) => {
    checkWhole('a size', size, 0);
    return multiplier * size;
  });
  const total = limits.reduce((sum, limit) => sum + limit, 0);
  if (total <= n) return limits;

  // Groups in order of size give all they have, until those that are left can share the rest evenly.
  const ascending = [...limits].sort((a, b) => a - b);
  let left = n;
  let at = 0;
  while (ascending[at]! * (ascending.length - at) <= left) left -= ascending[at++]!;
  const level = Math.floor(left / (ascending.length - at));

  const shares = limits.map((limit) => Math.min(level, limit));
  const larger = limits.flatMap((limit, group) => (limit > level ? [group] : []));
  const rest = n - shares.reduce((sum, share) => sum + share, 0);
  for (const place of random.permutation(larger.length).subarray(0, rest)) shares[larger[place]!]!++;
  return shares;
}

function checkWhole(name: string, value: number, least: number): void {
  if (!Number.isSafeInteger(value) || value < least) throw new CurationError(`${name} is ${value}; expected a whole number of at least ${least}`);
}
