import { loadPart, storePart } from './lanes';
import { splat, sumLanes } from './simd-math';

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
