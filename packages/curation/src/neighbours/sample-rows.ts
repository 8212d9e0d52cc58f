import type { Random } from '@dinov2/primitives';

/** `count` different ones of `rows` rows, ascending, or all of them; Floyd's algorithm, which holds only the chosen. */
export function sampleRows(rows: number, count: number, random: Random): Uint32Array {
  if (count >= rows) return Uint32Array.from({ length: rows }, (_, i) => i);
  const chosen = new Set<number>();
  for (let last = rows - count; last < rows; last++) {
    const row = random.integer(last + 1);
    chosen.add(chosen.has(row) ? last : row);
  }
  return Uint32Array.from(chosen).sort();
}
