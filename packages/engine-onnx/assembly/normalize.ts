import { loadPart, storePart } from './lanes';
import { splat, sumLanes } from './simd-math';

/** Sum of x y over one row. */
function dot(x: usize, y: usize, bytes: usize): f64 {
  const pairs = bytes & ~31;
  let a = splat(0), b = a;
  let j: usize = 0;
  for (; j < pairs; j += 32) {
    a = f32x4.add(a, f32x4.mul(v128.load(x + j), v128.load(y + j)));
    b = f32x4.add(b, f32x4.mul(v128.load(x + j, 16), v128.load(y + j, 16)));
  }
  if (bytes - j >= 16) {
    a = f32x4.add(a, f32x4.mul(v128.load(x + j), v128.load(y + j)));
    j += 16;
  }
  if (j < bytes) {
    const rest = (bytes - j) >> 2;
    b = f32x4.add(b, f32x4.mul(loadPart(x + j, rest), loadPart(y + j, rest)));
  }
  return sumLanes(f32x4.add(a, b));
}

/** out = factor x over one row. */
function scale(x: usize, out: usize, bytes: usize, factor: f32): void {
  const f = splat(factor);
  const whole = bytes & ~15;
  for (let j: usize = 0; j < whole; j += 16) v128.store(out + j, f32x4.mul(v128.load(x + j), f));
  if (whole < bytes) {
    const rest = (bytes - whole) >> 2;
    storePart(out + whole, f32x4.mul(loadPart(x + whole, rest), f), rest);
  }
}

/** out = a x - b y over one row. */
function combine(x: usize, a: f32, y: usize, b: f32, out: usize, bytes: usize): void {
  const forX = splat(a);
  const forY = splat(b);
  const whole = bytes & ~15;
  for (let j: usize = 0; j < whole; j += 16) {
    v128.store(out + j, f32x4.sub(f32x4.mul(v128.load(x + j), forX), f32x4.mul(v128.load(y + j), forY)));
  }
  if (whole < bytes) {
    const rest = (bytes - whole) >> 2;
    const difference = f32x4.sub(f32x4.mul(loadPart(x + whole, rest), forX), f32x4.mul(loadPart(y + whole, rest), forY));
    storePart(out + whole, difference, rest);
  }
}

/** w = g v / |v| per row of v (rows, columns); g (rows). w may be v. */
export function weightNorm(v: usize, g: usize, w: usize, rows: usize, columns: usize): void {
  const stride = columns << 2;
  for (let r: usize = 0; r < rows; r++) {
    const at = v + r * stride;
    scale(at, w + r * stride, stride, <f32>(<f64>load<f32>(g + (r << 2)) / sqrt<f64>(dot(at, at, stride))));
  }
}

/** dg = dw . v / |v| and dv = g / |v| (dw - dg v / |v|). dv may be v or dw. */
export function weightNormGrad(v: usize, g: usize, dw: usize, dv: usize, dg: usize, rows: usize, columns: usize): void {
  const stride = columns << 2;
  for (let r: usize = 0; r < rows; r++) {
    const at = r * stride;
    const inverse = 1.0 / sqrt<f64>(dot(v + at, v + at, stride));
    const along = dot(v + at, dw + at, stride) * inverse;
    const factor = <f64>load<f32>(g + (r << 2)) * inverse;
    store<f32>(dg + (r << 2), <f32>along);
    combine(dw + at, <f32>factor, v + at, <f32>(factor * along * inverse), dv + at, stride);
  }
}

/** y = x / max(|x|, epsilon) per row of (rows, columns). y may be x. */
export function l2Normalize(x: usize, y: usize, rows: usize, columns: usize, epsilon: f64): void {
  const stride = columns << 2;
  for (let r: usize = 0; r < rows; r++) {
    const at = r * stride;
    scale(x + at, y + at, stride, <f32>(1.0 / max<f64>(sqrt<f64>(dot(x + at, x + at, stride)), epsilon)));
  }
}

/** dx = (dy - n (n . dy)) / |x| with n = x / |x|; dy / epsilon where |x| <= epsilon. dx may be x or dy. */
export function l2NormalizeGrad(x: usize, dy: usize, dx: usize, rows: usize, columns: usize, epsilon: f64): void {
  const stride = columns << 2;
  for (let r: usize = 0; r < rows; r++) {
    const at = r * stride;
    const norm = sqrt<f64>(dot(x + at, x + at, stride));
    if (norm <= epsilon) {
      scale(dy + at, dx + at, stride, <f32>(1.0 / epsilon));
      continue;
    }
    const inverse = 1.0 / norm;
    const along = dot(x + at, dy + at, stride) * inverse;
    combine(dy + at, <f32>inverse, x + at, <f32>(along * inverse * inverse), dx + at, stride);
  }
}
