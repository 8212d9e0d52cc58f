import type { EdgeBlock } from '../neighbours/edges';
import { rowNumbers } from './row-numbers';

/**
 * The edges in one strict order that does not depend on how they came: the most similar first, then by `from`, then by `to`.
 *
 * A stable radix sort by 11 bits of the three numbers at a time; bits that are the same everywhere are passed over.
 */
export function sortEdges({ count, from, to, similarity }: EdgeBlock): EdgeBlock {
  const ranks = new Uint32Array(count);
  const bits = new Uint32Array(similarity.buffer, similarity.byteOffset, count);
  for (let i = 0; i < count; i++) {
    // Positive floats order as integers, negative ones in reverse; then all reversed, for the most similar come first.
    const word = bits[i]!;
    ranks[i] = word & 0x80000000 ? word : ~(word | 0x80000000);
  }
  let order = rowNumbers(count);
  let spare = new Uint32Array(count);
  for (const keys of [to, from, ranks]) {
    for (const shift of [0, 11, 22]) {
      if (!countingSort(keys, shift, order, spare)) continue;
      [order, spare] = [spare, order];
    }
  }
  const sorted = { count, from: new Uint32Array(count), to: new Uint32Array(count), similarity: new Float32Array(count) };
  for (let i = 0; i < count; i++) {
    sorted.from[i] = from[order[i]!]!;
    sorted.to[i] = to[order[i]!]!;
    sorted.similarity[i] = similarity[order[i]!]!;
  }
  return sorted;
}

/** Whether edge `i` of a comes before edge `j` of b in that order. */
export function precedes(a: EdgeBlock, i: number, b: EdgeBlock, j: number): boolean {
  if (a.similarity[i] !== b.similarity[j]) return a.similarity[i]! > b.similarity[j]!;
  if (a.from[i] !== b.from[j]) return a.from[i]! < b.from[j]!;
  return a.to[i]! < b.to[j]!;
}

/** As many bits as have counters that stay in the nearest cache. */
const digits = 2 ** 11;

/** Order places by one digit of their keys; false where it is the same everywhere. */
function countingSort(keys: Uint32Array, shift: number, order: Uint32Array, sorted: Uint32Array): boolean {
  const starts = new Uint32Array(digits + 1);
  for (let i = 0; i < order.length; i++) starts[((keys[i]! >>> shift) & (digits - 1)) + 1]!++;
  if (starts.includes(order.length)) return false;
  for (let digit = 1; digit < starts.length; digit++) starts[digit]! += starts[digit - 1]!;
  for (const place of order) sorted[starts[(keys[place]! >>> shift) & (digits - 1)]!++] = place;
  return true;
}
