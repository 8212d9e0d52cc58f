/**
 * Rows that have the same key, as content hashes of exact copies do.
 *
 * An open-addressing table of row numbers: 6 to 12 bytes per row besides the keys and the result, and no limit at the
 * 2^24 entries of a `Map`.
 *
 * @param keys - one per row, of any kind of text, or 64-bit numbers
 * @returns for each row the lowest row with its key
 */
export function equalGroups(keys: readonly string[] | BigUint64Array): Uint32Array {
  if (keys instanceof BigUint64Array) {
    const words = new Uint32Array(keys.buffer, keys.byteOffset, 2 * keys.length);
    return group(
      keys.length,
      (row) => mix(words[2 * row]! ^ Math.imul(words[2 * row + 1]!, 0x9e3779b1)),
      (a, b) => words[2 * a] === words[2 * b] && words[2 * a + 1] === words[2 * b + 1],
    );
  }
  return group(
    keys.length,
    (row) => textHash(keys[row]!),
    (a, b) => keys[a] === keys[b],
  );
}

function group(rows: number, hash: (row: number) => number, equal: (a: number, b: number) => boolean): Uint32Array {
  const bits = Math.max(1, Math.ceil(Math.log2(rows * 1.5 + 1)));
  const mask = 2 ** bits - 1;
  const table = new Uint32Array(2 ** bits).fill(empty);
  const labels = new Uint32Array(rows);
  for (let row = 0; row < rows; row++) {
    let slot = (hash(row) & mask) >>> 0;
    while (table[slot] !== empty && !equal(table[slot]!, row)) slot = slot === mask ? 0 : slot + 1;
    if (table[slot] === empty) table[slot] = row;
    labels[row] = table[slot]!;
  }
  return labels;
}

const empty = 2 ** 32 - 1;

/** FNV-1a. */
function textHash(text: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  return mix(hash);
}

/** Spread the bits of 32 over all of them (the finaliser of MurmurHash3). */
function mix(bits: number): number {
  let x = Math.imul(bits ^ (bits >>> 16), 0x85ebca6b);
  x = Math.imul(x ^ (x >>> 13), 0xc2b2ae35);
  return x ^ (x >>> 16);
}
