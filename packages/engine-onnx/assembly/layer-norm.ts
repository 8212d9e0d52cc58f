import { addRow } from './column-sums';
import { loadPart, partMask, storePart } from './lanes';
import { splat, sumLanes } from './simd-math';

/** Rows whose parameter gradients are summed apart before they join the total, against rounding. */
const BLOCK: usize = 64;

/** Bytes of scratch: statistics of four rows, and one block's dgamma and dbeta. */
const STATISTICS: usize = 64;

/**
 * Gradient of layer norm over the last axis. x, dy, dx (rows, columns); gamma, dgamma, dbeta (columns).
 * With g = gamma dy and xh = (x - mean) rstd: dx = rstd (g - mean(g) - xh mean(g xh)).
 * dx may be x or dy. `scratch` holds 64 + 8 * columns bytes.
 */
export function layerNormGrad(
  x: usize, gamma: usize, dy: usize,
  dx: usize, dgamma: usize, dbeta: usize,
  scratch: usize, rows: usize, columns: usize, epsilon: f32,
): void {
  const stride = columns << 2;
  const blockGamma = scratch + STATISTICS;
  const blockBeta = blockGamma + stride;
  memory.fill(dgamma, 0, stride);
  memory.fill(dbeta, 0, stride);
  for (let start: usize = 0; start < rows; start += BLOCK) {
    memory.fill(blockGamma, 0, 2 * stride);
    const end = min(start + BLOCK, rows);
    let r = start;
    for (; r + 2 <= end; r += 2) {
      const at = r * stride;
      rowStatistics(x + at, gamma, dy + at, scratch, columns, epsilon);
      rowStatistics(x + at + stride, gamma, dy + at + stride, scratch + 16, columns, epsilon);
      twoRows(x + at, gamma, dy + at, dx + at, blockGamma, blockBeta, scratch, stride);
    }
    if (r < end) {
      const at = r * stride;
      rowStatistics(x + at, gamma, dy + at, scratch, columns, epsilon);
      oneRow(x + at, gamma, dy + at, dx + at, blockGamma, blockBeta, scratch, 0, stride);
    }
    addRow(blockGamma, dgamma, stride);
    addRow(blockBeta, dbeta, stride);
  }
}

/** Writes mean(x), rstd(x), mean(g), mean(g xh) to `out`. */
function rowStatistics(x: usize, gamma: usize, dy: usize, out: usize, columns: usize, epsilon: f32): void {
  const bytes = columns << 2;
  const whole = bytes & ~15;
  const rest = (bytes - whole) >> 2;
  const pairs = bytes & ~31;
  let sum0 = splat(0), sum1 = splat(0), g0 = splat(0), g1 = splat(0);
  let j: usize = 0;
  for (; j < pairs; j += 32) {
    sum0 = f32x4.add(sum0, v128.load(x + j));
    sum1 = f32x4.add(sum1, v128.load(x + j, 16));
    g0 = f32x4.add(g0, f32x4.mul(v128.load(gamma + j), v128.load(dy + j)));
    g1 = f32x4.add(g1, f32x4.mul(v128.load(gamma + j, 16), v128.load(dy + j, 16)));
  }
  if (j < whole) {
    sum0 = f32x4.add(sum0, v128.load(x + j));
    g0 = f32x4.add(g0, f32x4.mul(v128.load(gamma + j), v128.load(dy + j)));
  }
  if (rest) {
    sum1 = f32x4.add(sum1, loadPart(x + whole, rest));
    g1 = f32x4.add(g1, f32x4.mul(loadPart(gamma + whole, rest), loadPart(dy + whole, rest)));
  }
  const inverse: f64 = 1.0 / <f64>columns;
  const mean = <f32>(sumLanes(f32x4.add(sum0, sum1)) * inverse);

  // The variance is taken around the mean: E[x^2] - E[x]^2 cancels.
  const center = splat(mean);
  let square0 = splat(0), square1 = splat(0), along0 = splat(0), along1 = splat(0);
  for (j = 0; j < pairs; j += 32) {
    const c0 = f32x4.sub(v128.load(x + j), center);
    const c1 = f32x4.sub(v128.load(x + j, 16), center);
    square0 = f32x4.add(square0, f32x4.mul(c0, c0));
    square1 = f32x4.add(square1, f32x4.mul(c1, c1));
    along0 = f32x4.add(along0, f32x4.mul(c0, f32x4.mul(v128.load(gamma + j), v128.load(dy + j))));
    along1 = f32x4.add(along1, f32x4.mul(c1, f32x4.mul(v128.load(gamma + j, 16), v128.load(dy + j, 16))));
  }
  if (j < whole) {
    const c = f32x4.sub(v128.load(x + j), center);
    square0 = f32x4.add(square0, f32x4.mul(c, c));
    along0 = f32x4.add(along0, f32x4.mul(c, f32x4.mul(v128.load(gamma + j), v128.load(dy + j))));
  }
  if (rest) {
    const c = v128.and(f32x4.sub(loadPart(x + whole, rest), center), partMask(rest));
    const g = f32x4.mul(loadPart(gamma + whole, rest), loadPart(dy + whole, rest));
    square1 = f32x4.add(square1, f32x4.mul(c, c));
    along1 = f32x4.add(along1, f32x4.mul(c, g));
  }
  const variance = sumLanes(f32x4.add(square0, square1)) * inverse;
  const rstd = 1.0 / sqrt<f64>(variance + <f64>epsilon);
  store<f32>(out, mean);
  store<f32>(out, <f32>rstd, 4);
  store<f32>(out, <f32>(sumLanes(f32x4.add(g0, g1)) * inverse), 8);
  store<f32>(out, <f32>(sumLanes(f32x4.add(along0, along1)) * inverse * rstd), 12);
}

/** y = gamma (x - mean) rstd + beta over the last axis of x (rows, columns); gamma, beta (columns). y may be x. */
export function layerNorm(
  x: usize, gamma: usize, beta: usize, y: usize, rows: usize, columns: usize, epsilon: f32,
): void {
  const stride = columns << 2;
  for (let r: usize = 0; r < rows; r++) normalizeRow(x + r * stride, gamma, beta, y + r * stride, columns, epsilon);
}

function normalizeRow(x: usize, gamma: usize, beta: usize, y: usize, columns: usize, epsilon: f32): void {
  const bytes = columns << 2;
  const whole = bytes & ~15;
  const rest = (bytes - whole) >> 2;
  const quads = bytes & ~63;
  let a = splat(0), b = a, c = a, d = a;
  let j: usize = 0;
  for (; j < quads; j += 64) {
    a = f32x4.add(a, v128.load(x + j));
    b = f32x4.add(b, v128.load(x + j, 16));
    c = f32x4.add(c, v128.load(x + j, 32));
    d = f32x4.add(d, v128.load(x + j, 48));
  }
  for (; j < whole; j += 16) a = f32x4.add(a, v128.load(x + j));
  if (rest) b = f32x4.add(b, loadPart(x + whole, rest));
  const inverse: f64 = 1.0 / <f64>columns;
  const mean = splat(<f32>(sumLanes(f32x4.add(f32x4.add(a, b), f32x4.add(c, d))) * inverse));

  a = splat(0);
  b = a;
  c = a;
  d = a;
  for (j = 0; j < quads; j += 64) {
    const c0 = f32x4.sub(v128.load(x + j), mean);
    const c1 = f32x4.sub(v128.load(x + j, 16), mean);
    const c2 = f32x4.sub(v128.load(x + j, 32), mean);
    const c3 = f32x4.sub(v128.load(x + j, 48), mean);
    a = f32x4.add(a, f32x4.mul(c0, c0));
    b = f32x4.add(b, f32x4.mul(c1, c1));
    c = f32x4.add(c, f32x4.mul(c2, c2));
    d = f32x4.add(d, f32x4.mul(c3, c3));
  }
  for (; j < whole; j += 16) {
    const c0 = f32x4.sub(v128.load(x + j), mean);
    a = f32x4.add(a, f32x4.mul(c0, c0));
  }
  if (rest) {
    const c0 = v128.and(f32x4.sub(loadPart(x + whole, rest), mean), partMask(rest));
    b = f32x4.add(b, f32x4.mul(c0, c0));
  }
  const variance = sumLanes(f32x4.add(f32x4.add(a, b), f32x4.add(c, d))) * inverse;
  const rstd = splat(<f32>(1.0 / sqrt<f64>(variance + <f64>epsilon)));

  const pairs = bytes & ~31;
  for (j = 0; j < pairs; j += 32) {
    const c0 = f32x4.mul(f32x4.sub(v128.load(x + j), mean), rstd);
    const c1 = f32x4.mul(f32x4.sub(v128.load(x + j, 16), mean), rstd);
    v128.store(y + j, f32x4.add(f32x4.mul(c0, v128.load(gamma + j)), v128.load(beta + j)));
    v128.store(y + j, f32x4.add(f32x4.mul(c1, v128.load(gamma + j, 16)), v128.load(beta + j, 16)), 16);
  }
  if (j < whole) {
    const c0 = f32x4.mul(f32x4.sub(v128.load(x + j), mean), rstd);
    v128.store(y + j, f32x4.add(f32x4.mul(c0, v128.load(gamma + j)), v128.load(beta + j)));
  }
  if (rest) {
    const c0 = f32x4.mul(f32x4.sub(loadPart(x + whole, rest), mean), rstd);
    storePart(y + whole, f32x4.add(f32x4.mul(c0, loadPart(gamma + whole, rest)), loadPart(beta + whole, rest)), rest);
  }
}

@inline
function gradient(
  dy: v128, xh: v128, gamma: v128, rstd: v128, meanG: v128, meanAlong: v128,
): v128 {
  const g = f32x4.sub(f32x4.mul(gamma, dy), meanG);
  return f32x4.mul(f32x4.sub(g, f32x4.mul(xh, meanAlong)), rstd);
}

function twoRows(
  x: usize, gamma: usize, dy: usize, dx: usize, dgamma: usize, dbeta: usize, statistics: usize, bytes: usize,
): void {
  const whole = bytes & ~15;
  const mean0 = v128.load32_splat(statistics);
  const rstd0 = v128.load32_splat(statistics, 4);
  const meanG0 = v128.load32_splat(statistics, 8);
  const along0 = v128.load32_splat(statistics, 12);
  const mean1 = v128.load32_splat(statistics, 16);
  const rstd1 = v128.load32_splat(statistics, 20);
  const meanG1 = v128.load32_splat(statistics, 24);
  const along1 = v128.load32_splat(statistics, 28);
  for (let j: usize = 0; j < whole; j += 16) {
    const factor = v128.load(gamma + j);
    const dy0 = v128.load(dy + j);
    const dy1 = v128.load(dy + j + bytes);
    const xh0 = f32x4.mul(f32x4.sub(v128.load(x + j), mean0), rstd0);
    const xh1 = f32x4.mul(f32x4.sub(v128.load(x + j + bytes), mean1), rstd1);
    const sum = f32x4.add(f32x4.mul(dy0, xh0), f32x4.mul(dy1, xh1));
    v128.store(dgamma + j, f32x4.add(v128.load(dgamma + j), sum));
    v128.store(dbeta + j, f32x4.add(v128.load(dbeta + j), f32x4.add(dy0, dy1)));
    v128.store(dx + j, gradient(dy0, xh0, factor, rstd0, meanG0, along0));
    v128.store(dx + j + bytes, gradient(dy1, xh1, factor, rstd1, meanG1, along1));
  }
  if (whole < bytes) {
    oneRow(x, gamma, dy, dx, dgamma, dbeta, statistics, whole, bytes);
    oneRow(x + bytes, gamma, dy + bytes, dx + bytes, dgamma, dbeta, statistics + 16, whole, bytes);
  }
}

/** One row from byte `start` (a multiple of 16) on. */
function oneRow(
  x: usize, gamma: usize, dy: usize, dx: usize, dgamma: usize, dbeta: usize, statistics: usize,
  start: usize, bytes: usize,
): void {
  const whole = bytes & ~15;
  const mean = v128.load32_splat(statistics);
  const rstd = v128.load32_splat(statistics, 4);
  const meanG = v128.load32_splat(statistics, 8);
  const along = v128.load32_splat(statistics, 12);
  for (let j = start; j < whole; j += 16) {
    const d = v128.load(dy + j);
    const xh = f32x4.mul(f32x4.sub(v128.load(x + j), mean), rstd);
    v128.store(dgamma + j, f32x4.add(v128.load(dgamma + j), f32x4.mul(d, xh)));
    v128.store(dbeta + j, f32x4.add(v128.load(dbeta + j), d));
    v128.store(dx + j, gradient(d, xh, v128.load(gamma + j), rstd, meanG, along));
  }
  if (whole < bytes) {
    const rest = (bytes - whole) >> 2;
    const d = loadPart(dy + whole, rest);
    const xh = f32x4.mul(f32x4.sub(loadPart(x + whole, rest), mean), rstd);
    storePart(dgamma + whole, f32x4.add(loadPart(dgamma + whole, rest), f32x4.mul(d, xh)), rest);
    storePart(dbeta + whole, f32x4.add(loadPart(dbeta + whole, rest), d), rest);
    storePart(dx + whole, gradient(d, xh, loadPart(gamma + whole, rest), rstd, meanG, along), rest);
  }
}
