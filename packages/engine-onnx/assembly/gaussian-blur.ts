import { expOf, splat } from './simd-math';

const RADIUS: usize = 4;

/** Weights at distance 0 to 4 from the centre. */
let w0: f32 = 0;
let w1: f32 = 0;
let w2: f32 = 0;
let w3: f32 = 0;
let w4: f32 = 0;

/**
 * 9 x 9 Gaussian blur of x (n, height, width, channels) with one sigma per image, borders reflected without the edge,
 * rounded to whole numbers. Images with sigma <= 0 are copied. `scratch` holds one row: 4 * channels * (width + 8) bytes.
 */
export function gaussianBlur(
  x: usize, sigma: usize, out: usize, scratch: usize, n: usize, height: usize, width: usize, channels: usize,
): void {
  const stride = width * channels * 4;
  const bytes = height * stride;
  for (let i: usize = 0; i < n; i++) {
    const s = load<f32>(sigma + i * 4);
    if (!(s > 0)) {
      memory.copy(out + i * bytes, x + i * bytes, bytes);
      continue;
    }
    setWeights(max<f32>(s, 1e-3));
    for (let y: usize = 0; y < height; y++) {
      blurColumns(x + i * bytes, scratch + RADIUS * channels * 4, y, height, stride);
      reflect(scratch, width, channels * 4);
      blurRow(scratch, out + i * bytes + y * stride, stride, channels * 4);
    }
  }
}

/** exp(-k^2 / 2 sigma^2), normalised to sum 1. */
function setWeights(sigma: f32): void {
  const a = weight(1, sigma);
  const b = weight(2, sigma);
  const c = weight(3, sigma);
  const d = weight(4, sigma);
  const total: f32 = 1 + 2 * (a + b + c + d);
  w0 = <f32>1 / total;
  w1 = a / total;
  w2 = b / total;
  w3 = c / total;
  w4 = d / total;
}

function weight(k: f32, sigma: f32): f32 {
  const z = k / sigma;
  return <f32>expOf(<f64>(z * z * <f32>-0.5));
}

/** Offset of row `y + k`, reflected at the borders. */
@inline
function rowAbove(y: usize, k: usize): usize {
  return y >= k ? y - k : k - y;
}

@inline
function rowBelow(y: usize, k: usize, height: usize): usize {
  const row = y + k;
  return row < height ? row : 2 * (height - 1) - row;
}

/** to = weighted sum of the rows around `y` of one image. */
function blurColumns(image: usize, to: usize, y: usize, height: usize, stride: usize): void {
  const center = image + y * stride;
  const a1 = image + rowAbove(y, 1) * stride, b1 = image + rowBelow(y, 1, height) * stride;
  const a2 = image + rowAbove(y, 2) * stride, b2 = image + rowBelow(y, 2, height) * stride;
  const a3 = image + rowAbove(y, 3) * stride, b3 = image + rowBelow(y, 3, height) * stride;
  const a4 = image + rowAbove(y, 4) * stride, b4 = image + rowBelow(y, 4, height) * stride;
  const v0 = splat(w0), v1 = splat(w1), v2 = splat(w2), v3 = splat(w3), v4 = splat(w4);
  const whole = stride & ~15;
  for (let j: usize = 0; j < whole; j += 16) {
    let sum = f32x4.mul(v128.load(center + j), v0);
    sum = f32x4.add(sum, f32x4.mul(f32x4.add(v128.load(a1 + j), v128.load(b1 + j)), v1));
    sum = f32x4.add(sum, f32x4.mul(f32x4.add(v128.load(a2 + j), v128.load(b2 + j)), v2));
    sum = f32x4.add(sum, f32x4.mul(f32x4.add(v128.load(a3 + j), v128.load(b3 + j)), v3));
    sum = f32x4.add(sum, f32x4.mul(f32x4.add(v128.load(a4 + j), v128.load(b4 + j)), v4));
    v128.store(to + j, sum);
  }
  for (let j = whole; j < stride; j += 4) {
    let sum = load<f32>(center + j) * w0;
    sum += (load<f32>(a1 + j) + load<f32>(b1 + j)) * w1;
    sum += (load<f32>(a2 + j) + load<f32>(b2 + j)) * w2;
    sum += (load<f32>(a3 + j) + load<f32>(b3 + j)) * w3;
    sum += (load<f32>(a4 + j) + load<f32>(b4 + j)) * w4;
    store<f32>(to + j, sum);
  }
}

/** Fill the four pixels on either side of a padded row of `width` pixels of `pixel` bytes. */
function reflect(padded: usize, width: usize, pixel: usize): void {
  const first = padded + RADIUS * pixel;
  const last = first + (width - 1) * pixel;
  for (let k: usize = 1; k <= RADIUS; k++) {
    memory.copy(first - k * pixel, first + k * pixel, pixel);
    memory.copy(last + k * pixel, last - k * pixel, pixel);
  }
}

/** to = weighted sum of the pixels around each pixel of a padded row, rounded half to even. */
function blurRow(padded: usize, to: usize, stride: usize, pixel: usize): void {
  const center = padded + RADIUS * pixel;
  const a1 = center - pixel, b1 = center + pixel;
  const a2 = a1 - pixel, b2 = b1 + pixel;
  const a3 = a2 - pixel, b3 = b2 + pixel;
  const a4 = a3 - pixel, b4 = b3 + pixel;
  const v0 = splat(w0), v1 = splat(w1), v2 = splat(w2), v3 = splat(w3), v4 = splat(w4);
  const whole = stride & ~15;
  for (let j: usize = 0; j < whole; j += 16) {
    let sum = f32x4.mul(v128.load(center + j), v0);
    sum = f32x4.add(sum, f32x4.mul(f32x4.add(v128.load(a1 + j), v128.load(b1 + j)), v1));
    sum = f32x4.add(sum, f32x4.mul(f32x4.add(v128.load(a2 + j), v128.load(b2 + j)), v2));
    sum = f32x4.add(sum, f32x4.mul(f32x4.add(v128.load(a3 + j), v128.load(b3 + j)), v3));
    sum = f32x4.add(sum, f32x4.mul(f32x4.add(v128.load(a4 + j), v128.load(b4 + j)), v4));
    v128.store(to + j, f32x4.nearest(sum));
  }
  for (let j = whole; j < stride; j += 4) {
    let sum = load<f32>(center + j) * w0;
    sum += (load<f32>(a1 + j) + load<f32>(b1 + j)) * w1;
    sum += (load<f32>(a2 + j) + load<f32>(b2 + j)) * w2;
    sum += (load<f32>(a3 + j) + load<f32>(b3 + j)) * w3;
    sum += (load<f32>(a4 + j) + load<f32>(b4 + j)) * w4;
    store<f32>(to + j, nearest<f32>(sum));
  }
}
