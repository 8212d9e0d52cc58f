/**
 * Transposition that moves whole blocks: out (n0, n1, n2, n3) of blocks of `bytes` bytes, at least 16, in order;
 * block (i0, i1, i2, i3) comes from x at i0 s0 + i1 s1 + i2 s2 + i3 s3 bytes.
 */
export function copyBlocks(
  x: usize, out: usize, bytes: usize,
  n0: usize, n1: usize, n2: usize, n3: usize,
  s0: usize, s1: usize, s2: usize, s3: usize,
): void {
  let to = out;
  for (let i0: usize = 0; i0 < n0; i0++) {
    for (let i1: usize = 0; i1 < n1; i1++) {
      for (let i2: usize = 0; i2 < n2; i2++) {
        let from = x + i0 * s0 + i1 * s1 + i2 * s2;
        for (let i3: usize = 0; i3 < n3; i3++) {
          copyBlock(from, to, bytes);
          from += s3;
          to += bytes;
        }
      }
    }
  }
}

@inline
function copyBlock(from: usize, to: usize, bytes: usize): void {
  const whole = bytes & ~63;
  let j: usize = 0;
  for (; j < whole; j += 64) {
    const a = v128.load(from + j);
    const b = v128.load(from + j, 16);
    const c = v128.load(from + j, 32);
    const d = v128.load(from + j, 48);
    v128.store(to + j, a);
    v128.store(to + j, b, 16);
    v128.store(to + j, c, 32);
    v128.store(to + j, d, 48);
  }
  for (; j + 16 <= bytes; j += 16) v128.store(to + j, v128.load(from + j));
  // The last vector overlaps the one before.
  if (j < bytes) v128.store(to + bytes - 16, v128.load(from + bytes - 16));
}
