/** Entropy of a distribution given by counts, in bits. */
export function entropyOf(counts: ArrayLike<number>): number {
  let total = 0;
  for (let i = 0; i < counts.length; i++) total += counts[i]!;
  let bits = 0;
  for (let i = 0; i < counts.length; i++) {
    const share = counts[i]! / total;
    if (share > 0) bits -= share * Math.log2(share);
  }
  return bits;
}
