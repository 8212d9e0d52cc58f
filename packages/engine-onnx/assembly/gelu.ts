import { loadPart, storePart } from './lanes';
import { splat } from './simd-math';

/**
 * d/dx x Phi(x) = Phi(x) + x phi(x), within 4e-7.
 *
 * Minus 1/2 it is odd: x P(x^2) / Q(x^2), a minimax fit on |x| <= 5.7. There the value is 1 to 2e-7, and the
 * last digits of P are chosen so that the fit is exactly 1/2 at 5.7, where larger |x| are clamped.
 */
@inline
function slope(x: v128): v128 {
  // pmin/pmax keep their first operand when it is NaN.
  const z = f32x4.pmax(f32x4.pmin(x, splat(5.7)), splat(-5.7));
  const s = f32x4.mul(z, z);
  let p = f32x4.add(f32x4.mul(s, splat(1.89673173e-7)), splat(3.57386889e-5));
  p = f32x4.add(f32x4.mul(s, p), splat(2.47740954e-5));
  p = f32x4.add(f32x4.mul(s, p), splat(0.0142038669));
  p = f32x4.add(f32x4.mul(s, p), splat(-0.0307266749));
  p = f32x4.add(f32x4.mul(s, p), splat(0.79788506));
  let q = f32x4.add(f32x4.mul(s, splat(8.84628298e-6)), splat(0.000193287735));
  q = f32x4.add(f32x4.mul(s, q), splat(0.00352885062));
  q = f32x4.add(f32x4.mul(s, q), splat(0.041062817));
  q = f32x4.add(f32x4.mul(s, q), splat(0.294829279));
  q = f32x4.add(f32x4.mul(s, q), splat(1.0));
  return f32x4.add(f32x4.div(f32x4.mul(z, p), q), splat(0.5));
}

/** dx = dy (Phi(x) + x phi(x)), the gradient of the exact GELU. dx may be x or dy. */
export function geluGrad(x: usize, dy: usize, dx: usize, count: usize): void {
  const bytes = count << 2;
  const whole = bytes & ~15;
  const pairs = bytes & ~31;
  let i: usize = 0;
  for (; i < pairs; i += 32) {
    const a = f32x4.mul(v128.load(dy + i), slope(v128.load(x + i)));
    const b = f32x4.mul(v128.load(dy + i, 16), slope(v128.load(x + i, 16)));
    v128.store(dx + i, a);
    v128.store(dx + i, b, 16);
  }
  if (i < whole) v128.store(dx + i, f32x4.mul(v128.load(dy + i), slope(v128.load(x + i))));
  if (whole < bytes) {
    const rest = (bytes - whole) >> 2;
    storePart(dx + whole, f32x4.mul(loadPart(dy + whole, rest), slope(loadPart(x + whole, rest))), rest);
  }
}
