import { loadPart, partMask, storePart } from './lanes';
import { exp2, LOG2E, maxLanes, splat, sumLanes } from './simd-math';

/** y = softmax(scale x) over the last axis of (rows, columns). y may be x. */
export function softmax(x: usize, y: usize, rows: usize, columns: usize, scale: f32): void {
  const stride = columns << 2;
  for (let r: usize = 0; r < rows; r++) softmaxRow(x + r * stride, y + r * stride, stride, scale);
}

function softmaxRow(x: usize, y: usize, bytes: usize, scale: f32): void {
  const whole = bytes & ~15;
  const rest = (bytes - whole) >> 2;
  // Exponents are in powers of two: softmax is the same in every base with the logits scaled to it.
  const factor = splat(<f32>(<f64>scale * LOG2E));
  const pairs = bytes & ~31;
  let max0 = splat(-Infinity), max1 = max0;
  let j: usize = 0;
  for (; j < pairs; j += 32) {
    max0 = f32x4.pmax(max0, f32x4.mul(v128.load(x + j), factor));
    max1 = f32x4.pmax(max1, f32x4.mul(v128.load(x + j, 16), factor));
  }
  if (j < whole) max0 = f32x4.pmax(max0, f32x4.mul(v128.load(x + j), factor));
  if (rest) {
    const part = v128.bitselect(f32x4.mul(loadPart(x + whole, rest), factor), max1, partMask(rest));
    max1 = f32x4.pmax(max1, part);
  }
  // pmax passes over a NaN; it enters the sum below and with it the whole row.
  const top = splat(maxLanes(f32x4.pmax(max0, max1)));
  let sum0 = splat(0), sum1 = splat(0);
  for (j = 0; j < pairs; j += 32) {
    const e0 = exp2(f32x4.sub(f32x4.mul(v128.load(x + j), factor), top));
    const e1 = exp2(f32x4.sub(f32x4.mul(v128.load(x + j, 16), factor), top));
    v128.store(y + j, e0);
    v128.store(y + j, e1, 16);
    sum0 = f32x4.add(sum0, e0);
    sum1 = f32x4.add(sum1, e1);
  }
  if (j < whole) {
    const e = exp2(f32x4.sub(f32x4.mul(v128.load(x + j), factor), top));
    v128.store(y + j, e);
    sum0 = f32x4.add(sum0, e);
  }
  if (rest) {
    const e = exp2(f32x4.sub(f32x4.mul(loadPart(x + whole, rest), factor), top));
    storePart(y + whole, e, rest);
    sum1 = f32x4.add(sum1, v128.and(e, partMask(rest)));
  }
  const inverse = splat(<f32>(1.0 / sumLanes(f32x4.add(sum0, sum1))));
  for (j = 0; j < whole; j += 16) v128.store(y + j, f32x4.mul(v128.load(y + j), inverse));
  if (rest) storePart(y + whole, f32x4.mul(loadPart(y + whole, rest), inverse), rest);
}

/** ds = scale p (dp - sum(p dp)) per row of (rows, columns). ds may be p or dp. */
export function softmaxGrad(p: usize, dp: usize, ds: usize, rows: usize, columns: usize, scale: f32): void {
  const stride = columns << 2;
  for (let r: usize = 0; r < rows; r++) {
    softmaxGradRow(p + r * stride, dp + r * stride, ds + r * stride, stride, scale);
  }
}

function softmaxGradRow(p: usize, dp: usize, ds: usize, bytes: usize, scale: f32): void {
  const whole = bytes & ~15;
  const rest = (bytes - whole) >> 2;
  const pairs = bytes & ~31;
  let sum0 = splat(0), sum1 = splat(0);
  let j: usize = 0;
  for (; j < pairs; j += 32) {
    sum0 = f32x4.add(sum0, f32x4.mul(v128.load(p + j), v128.load(dp + j)));
    sum1 = f32x4.add(sum1, f32x4.mul(v128.load(p + j, 16), v128.load(dp + j, 16)));
  }
  if (j < whole) sum0 = f32x4.add(sum0, f32x4.mul(v128.load(p + j), v128.load(dp + j)));
  if (rest) sum1 = f32x4.add(sum1, f32x4.mul(loadPart(p + whole, rest), loadPart(dp + whole, rest)));
  const sum = splat(<f32>sumLanes(f32x4.add(sum0, sum1)));
  const factor = splat(scale);
  for (j = 0; j < pairs; j += 32) {
    const a = f32x4.mul(f32x4.mul(v128.load(p + j), factor), f32x4.sub(v128.load(dp + j), sum));
    const b = f32x4.mul(f32x4.mul(v128.load(p + j, 16), factor), f32x4.sub(v128.load(dp + j, 16), sum));
    v128.store(ds + j, a);
    v128.store(ds + j, b, 16);
  }
  if (j < whole) {
    v128.store(ds + j, f32x4.mul(f32x4.mul(v128.load(p + j), factor), f32x4.sub(v128.load(dp + j), sum)));
  }
  if (rest) {
    const difference = f32x4.sub(loadPart(dp + whole, rest), sum);
    storePart(ds + whole, f32x4.mul(f32x4.mul(loadPart(p + whole, rest), factor), difference), rest);
  }
}
