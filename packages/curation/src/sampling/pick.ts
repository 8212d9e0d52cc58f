import type { Random } from '@dinov2/primitives';

/** `count` different ones of the rows, in random order; all of them if there are no more. */
export function pick(rows: Uint32Array, count: number, random: Random): Uint32Array {
  const order = rows.slice();
  const taken = Math.min(count, order.length);
  for (let i = 0; i < taken; i++) {
    const j = i + random.integer(order.length - i);
    [order[i], order[j]] = [order[j]!, order[i]!];
  }
  return order.subarray(0, taken);
}
