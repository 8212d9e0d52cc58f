// Pillow's two-pass 8-bit resampling with 22-bit weights. Pointers are byte offsets; rows may be read
// and written up to 16 bytes past their end.

const precision: i32 = 22;

// @ts-ignore: decorator
@inline
function pixel(at: usize): v128 {
  return i32x4.extend_low_i16x8_u(i16x8.extend_low_i8x16_u(v128.load32_zero(at)));
}

// @ts-ignore: decorator
@inline
function storePixel(at: usize, sum: v128): void {
  const words = i16x8.narrow_i32x4_s(i32x4.shr_s(sum, precision), i32x4.splat(0));
  v128.store_lane<u32>(at, i8x16.narrow_i16x8_u(words, words), 0);
}

/**
 * Horizontal pass: `rows` lines of RGB from `source` to `width` pixels each at `target`.
 * Output x is the sum over `counts[x]` pixels from byte `starts[x]` on, by `weights[x * taps …]`.
 */
export function narrow(
  source: usize, sourceStride: usize, rows: i32,
  starts: usize, counts: usize, weights: usize, taps: i32,
  target: usize, targetStride: usize, width: i32, flip: i32,
): void {
  const half = i32x4.splat(1 << (precision - 1));
  for (let row = 0; row < rows; row += 4) {
    // The last group repeats its last row instead of reading beyond it.
    const second = min(1, rows - 1 - row);
    const third = min(2, rows - 1 - row);
    const fourth = min(3, rows - 1 - row);
    const from = source + <usize>row * sourceStride;
    const to = target + <usize>row * targetStride;
    for (let place = 0; place < width; place++) {
      // Left to right in memory, so that a pixel's fourth byte is overwritten by the next pixel.
      const x = flip ? width - 1 - place : place;
      let a = half, b = half, c = half, d = half;
      let at = from + <usize>load<i32>(starts + (<usize>x << 2));
      let weight = weights + (<usize>(x * taps) << 2);
      const end = weight + (<usize>load<i32>(counts + (<usize>x << 2)) << 2);
      while (weight < end) {
        const w = v128.load32_splat(weight);
        a = i32x4.add(a, i32x4.mul(pixel(at), w));
        b = i32x4.add(b, i32x4.mul(pixel(at + <usize>second * sourceStride), w));
        c = i32x4.add(c, i32x4.mul(pixel(at + <usize>third * sourceStride), w));
        d = i32x4.add(d, i32x4.mul(pixel(at + <usize>fourth * sourceStride), w));
        at += 3;
        weight += 4;
      }
      const out = to + <usize>(place * 3);
      storePixel(out, a);
      storePixel(out + <usize>second * targetStride, b);
      storePixel(out + <usize>third * targetStride, c);
      storePixel(out + <usize>fourth * targetStride, d);
    }
  }
}

/** Vertical pass: `height` lines of `bytes` bytes, line y the weighted sum of lines from `starts[y]` on. */
export function lower(
  source: usize, sourceStride: usize,
  starts: usize, counts: usize, weights: usize, taps: i32,
  target: usize, bytes: i32, height: i32,
): void {
  const half = i32x4.splat(1 << (precision - 1));
  for (let y = 0; y < height; y++) {
    const from = source + <usize>load<i32>(starts + (<usize>y << 2)) * sourceStride;
    const first = weights + (<usize>(y * taps) << 2);
    const end = first + (<usize>load<i32>(counts + (<usize>y << 2)) << 2);
    const to = target + <usize>(y * bytes);
    for (let i = 0; i < bytes; i += 16) {
      let a = half, b = half, c = half, d = half;
      let at = from + <usize>i;
      for (let weight = first; weight < end; weight += 4) {
        const w = v128.load32_splat(weight);
        const line = v128.load(at);
        const low = i16x8.extend_low_i8x16_u(line);
        const high = i16x8.extend_high_i8x16_u(line);
        a = i32x4.add(a, i32x4.mul(i32x4.extend_low_i16x8_u(low), w));
        b = i32x4.add(b, i32x4.mul(i32x4.extend_high_i16x8_u(low), w));
        c = i32x4.add(c, i32x4.mul(i32x4.extend_low_i16x8_u(high), w));
        d = i32x4.add(d, i32x4.mul(i32x4.extend_high_i16x8_u(high), w));
        at += sourceStride;
      }
      const lowWords = i16x8.narrow_i32x4_s(i32x4.shr_s(a, precision), i32x4.shr_s(b, precision));
      const highWords = i16x8.narrow_i32x4_s(i32x4.shr_s(c, precision), i32x4.shr_s(d, precision));
      v128.store(to + <usize>i, i8x16.narrow_i16x8_u(lowWords, highWords));
    }
  }
}
