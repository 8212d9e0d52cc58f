/** Counter-based 32-bit integer hash, the same as in `tests/golden/train_step.py`. */
export function hashed(seed: number, count: number): Uint32Array {
  const out = new Uint32Array(count);
  const offset = Math.imul(seed, 0x9e3779b9);
  for (let i = 0; i < count; i++) {
    let x = (i + offset) | 0;
    x = Math.imul(x ^ (x >>> 16), 0x7feb352d);
    x = Math.imul(x ^ (x >>> 15), 0x846ca68b);
    out[i] = x ^ (x >>> 16);
  }
  return out;
}

/** `count` numbers in [0, 1). */
export const uniform = (seed: number, count: number): Float64Array =>
  Float64Array.from(hashed(seed, count), (x) => x / 2 ** 32);

/** The permutation that sorts the first `count` hashes. */
export function order(seed: number, count: number): number[] {
  const keys = hashed(seed, count);
  return Array.from({ length: count }, (_, i) => i).sort((a, b) => keys[a]! - keys[b]! || a - b);
}

/** (count, size, size, 3) values 0..255: random colours in cells of `cell` pixels. */
export function pictures(seed: number, count: number, size: number, cell: number): Float32Array {
  const n = size / cell;
  const noise = hashed(seed, count * n * n * 3);
  const out = new Float32Array(count * size * size * 3);
  let o = 0;
  for (let i = 0; i < count; i++)
    for (let y = 0; y < size; y++)
      for (let x = 0; x < size; x++)
        for (let c = 0; c < 3; c++)
          out[o++] =
            noise[((i * n + Math.floor(y / cell)) * n + Math.floor(x / cell)) * 3 + c]! >>> 24;
  return out;
}
