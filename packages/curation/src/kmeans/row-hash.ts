/**
 * A number in [0, 1) that belongs to a row, from 32 mixed bits (the finaliser of MurmurHash3): whoever asks, in whatever
 * order, gets the same, so that blocks and shards draw alike.
 */
export function rowHash(key: number, row: number): number {
  let h = (Math.imul(row, 0x9e3779b1) ^ key) >>> 0;
  for (let round = 0; round < 2; round++) {
    h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
    h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
    h = (h ^ (h >>> 16) ^ key) >>> 0;
  }
  return h / 2 ** 32;
}

/** About `size` of `total` rows, ascending. With one key, a smaller sample is part of every larger one. */
export function sampleRows(total: number, size: number, key: number): Uint32Array {
  const share = size / total;
  // Six standard deviations of room, so that there is one allocation.
  const rows = new Uint32Array(Math.min(total, Math.ceil(size + 6 * Math.sqrt(size) + 16)));
  let count = 0;
  for (let row = 0; row < total && count < rows.length; row++) if (rowHash(key, row) < share) rows[count++] = row;
  return rows.slice(0, count);
}
