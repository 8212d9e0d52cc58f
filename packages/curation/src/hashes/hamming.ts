/** How many of 64 bits differ. */
export function hammingDistance(a: bigint, b: bigint): number {
  const difference = a ^ b;
  return bitCount(Number(difference & 0xffffffffn)) + bitCount(Number(difference >> 32n));
}

/** Ones among 32 bits (Warren, Hacker's Delight, §5-1). */
export function bitCount(bits: number): number {
  let x = bits - ((bits >>> 1) & 0x55555555);
  x = (x & 0x33333333) + ((x >>> 2) & 0x33333333);
  return Math.imul((x + (x >>> 4)) & 0x0f0f0f0f, 0x01010101) >>> 24;
}
