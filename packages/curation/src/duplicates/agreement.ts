import type { ComponentList } from './component-list';

/** How components agree with true groups; each number is 0 … 1, and 1 where there was nothing to find. */
export interface Agreement {
  /** Of the pairs of rows in one component, those truly of one group; of the pairs truly of one group, those found. */
  readonly pairs: { readonly precision: number; readonly recall: number };
  /** Of the rows that go, those of which the component keeps a true copy possible; of the rows that should go, those that do. */
  readonly removals: { readonly precision: number; readonly recall: number };
}

/**
 * Compare components with true groups.
 *
 * A component of k rows from g groups lets k − 1 rows go, of which k − g are copies of others in it; the rows that should
 * go are all but one of each group.
 *
 * @param groups - the true group of each row; any whole numbers
 */
export function agreement({ labels, starts, members }: ComponentList, groups: ArrayLike<number>): Agreement {
  let joinedPairs = 0;
  let truePairs = 0;
  let right = 0;
  for (let index = 0; index < labels.length; index++) {
    const rows = members.subarray(starts[index]!, starts[index + 1]!);
    const sizes = tally(rows.length, (i) => groups[rows[i]!]!);
    joinedPairs += pairsOf(rows.length);
    for (const size of sizes.values()) truePairs += pairsOf(size);
    right += rows.length - sizes.size;
  }
  const all = tally(groups.length, (row) => groups[row]!);
  let wanted = 0;
  for (const size of all.values()) wanted += pairsOf(size);
  const share = (part: number, whole: number) => (whole === 0 ? 1 : part / whole);
  return {
    pairs: { precision: share(truePairs, joinedPairs), recall: share(truePairs, wanted) },
    removals: {
      precision: share(right, members.length - labels.length),
      recall: share(right, groups.length - all.size),
    },
  };
}

const pairsOf = (size: number) => (size * (size - 1)) / 2;

function tally(count: number, at: (i: number) => number): Map<number, number> {
  const sizes = new Map<number, number>();
  for (let i = 0; i < count; i++) sizes.set(at(i), (sizes.get(at(i)) ?? 0) + 1);
  return sizes;
}
