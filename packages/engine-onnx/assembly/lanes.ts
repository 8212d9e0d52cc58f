/** First `count` (1 to 3) float32 values at `at`; the other lanes are 0. */
export function loadPart(at: usize, count: usize): v128 {
  if (count == 1) return v128.load32_zero(at);
  const two = v128.load64_zero(at);
  if (count == 2) return two;
  return v128.load_lane<u32>(at, two, 2, 8);
}

/** Write the first `count` (1 to 3) lanes to `at`. */
export function storePart(at: usize, v: v128, count: usize): void {
  if (count == 1) {
    v128.store_lane<u32>(at, v, 0);
    return;
  }
  v128.store_lane<u64>(at, v, 0);
  if (count == 3) v128.store_lane<u32>(at, v, 2, 8);
}

/** All ones in the first `count` lanes, zeros in the others. */
@inline
export function partMask(count: usize): v128 {
  return i32x4.lt_u(i32x4(0, 1, 2, 3), i32x4.splat(<i32>count));
}
