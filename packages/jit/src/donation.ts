import type { Value } from './graph';
import type { Path } from './tree';

export interface Donor {
  /** Index of the graph input. */
  readonly input: number;
  /** Path inside the donated argument. */
  readonly path: Path;
  readonly value: Value;
}

export interface Receiver {
  readonly path: Path;
  readonly value: Value;
}

const sameType = (a: Value, b: Value) =>
  a.dtype === b.dtype && a.shape.length === b.shape.length && a.shape.every((d, i) => d === b.shape[i]);

const endsWith = (path: Path, suffix: Path) =>
  path.length >= suffix.length && suffix.every((step, i) => step === path[path.length - suffix.length + i]);

/**
 * Decide which output may be written over which donated input: the output at the same path
 * (`params.w` of the argument, `state.params.w` of the result), else the first free one of the same
 * shape and type. An input that fits nothing is given up without a pair.
 */
export function pairDonations(donors: readonly Donor[], receivers: readonly Receiver[]): [number, number][] {
  const free = new Set(receivers.keys());
  const pairs: [number, number][] = [];
  const take = (donor: Donor, fits: (receiver: Receiver) => boolean): boolean => {
    for (const output of free) {
      const receiver = receivers[output];
      if (!sameType(donor.value, receiver.value) || !fits(receiver)) continue;
      free.delete(output);
      pairs.push([donor.input, output]);
      return true;
    }
    return false;
  };
  // Exact paths first, so that `m.w` of the result is not taken for `w`.
  const unmatched = donors.filter((donor) => !take(donor, ({ path }) => endsWith(path, donor.path) && path.length <= donor.path.length + 1));
  const left = unmatched.filter((donor) => !take(donor, ({ path }) => endsWith(path, donor.path)));
  for (const donor of left) take(donor, () => true);
  return pairs;
}
