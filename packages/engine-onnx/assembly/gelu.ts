import { loadPart, storePart } from './lanes';
import { gaussian4, normalCdf4, splat } from './simd-math';

@inline
function gelu4(x: v128): v128 {
  return f32x4.mul(x, normalCdf4(x, gaussian4(x)));
}

@inline
function geluGrad4(x: v128, dy: v128): v128 {
  const e = gaussian4(x);
  const density = f32x4.mul(e, splat(0.3989422804014327));
  return f32x4.mul(dy, f32x4.add(normalCdf4(x, e), f32x4.mul(x, density)));
}

/** y = x Phi(x). y may be x. */
export function gelu(x: usize, y: usize, count: usize): void {
  const bytes = count << 2;
  const pairs = bytes & ~31;
  let i: usize = 0;
  for (; i < pairs; i += 32) {
    const y0 = gelu4(v128.load(x + i));
    const y1 = gelu4(v128.load(x + i, 16));
    v128.store(y + i, y0);
    v128.store(y + i, y1, 16);
  }
  if (bytes - i >= 16) {
    v128.store(y + i, gelu4(v128.load(x + i)));
    i += 16;
  }
  if (i < bytes) {
    const rest = (bytes - i) >> 2;
    storePart(y + i, gelu4(loadPart(x + i, rest)), rest);
  }
}

/** dx = dy (Phi(x) + x phi(x)). dx may be x or dy. */
export function geluGrad(x: usize, dy: usize, dx: usize, count: usize): void {
  const bytes = count << 2;
  const pairs = bytes & ~31;
  let i: usize = 0;
  for (; i < pairs; i += 32) {
    const d0 = geluGrad4(v128.load(x + i), v128.load(dy + i));
    const d1 = geluGrad4(v128.load(x + i, 16), v128.load(dy + i, 16));
    v128.store(dx + i, d0);
    v128.store(dx + i, d1, 16);
  }
  if (bytes - i >= 16) {
    v128.store(dx + i, geluGrad4(v128.load(x + i), v128.load(dy + i)));
    i += 16;
  }
  if (i < bytes) {
    const rest = (bytes - i) >> 2;
    storePart(dx + i, geluGrad4(loadPart(x + i, rest), loadPart(dy + i, rest)), rest);
  }
}
