// Softmax regression in float64: loss, gradient and a metric of the space of coefficients, over the rows of one
// memory. A row is its features and a 1, whose coefficient is the bias.
//
// All products go through one 4 × 4 tile. Operands lie in panels: four rows (or columns) side by side for each step
// of the sum, so that the tile reads both in order. `wide` is a count rounded up to 4; what is added holds zeros.

@external("env", "log1p")
declare function log1p(x: f64): f64;

// Rows per block: its panels and those of the coefficients it meets stay in the caches.
const BLOCK: usize = 64;

@inline
function wide(n: usize): usize {
  return (n + 3) & ~3;
}

/** C (+)= sum over k of A[k][4] B[k][4]ᵀ; `stride` is the byte distance of C's rows. */
function tile(a: usize, b: usize, steps: usize, c: usize, stride: usize, add: bool): void {
  let c00 = f64x2.splat(0);
  let c01 = f64x2.splat(0);
  let c10 = f64x2.splat(0);
  let c11 = f64x2.splat(0);
  let c20 = f64x2.splat(0);
  let c21 = f64x2.splat(0);
  let c30 = f64x2.splat(0);
  let c31 = f64x2.splat(0);
  if (add) {
    c00 = v128.load(c);
    c01 = v128.load(c, 16);
    c10 = v128.load(c + stride);
    c11 = v128.load(c + stride, 16);
    c20 = v128.load(c + 2 * stride);
    c21 = v128.load(c + 2 * stride, 16);
    c30 = v128.load(c + 3 * stride);
    c31 = v128.load(c + 3 * stride, 16);
  }
  for (const end = a + steps * 32; a < end; a += 32, b += 32) {
    const b0 = v128.load(b);
    const b1 = v128.load(b, 16);
    let x = v128.load64_splat(a);
    c00 = f64x2.add(c00, f64x2.mul(x, b0));
    c01 = f64x2.add(c01, f64x2.mul(x, b1));
    x = v128.load64_splat(a, 8);
    c10 = f64x2.add(c10, f64x2.mul(x, b0));
    c11 = f64x2.add(c11, f64x2.mul(x, b1));
    x = v128.load64_splat(a, 16);
    c20 = f64x2.add(c20, f64x2.mul(x, b0));
    c21 = f64x2.add(c21, f64x2.mul(x, b1));
    x = v128.load64_splat(a, 24);
    c30 = f64x2.add(c30, f64x2.mul(x, b0));
    c31 = f64x2.add(c31, f64x2.mul(x, b1));
  }
  v128.store(c, c00);
  v128.store(c, c01, 16);
  v128.store(c + stride, c10);
  v128.store(c + stride, c11, 16);
  v128.store(c + 2 * stride, c20);
  v128.store(c + 2 * stride, c21, 16);
  v128.store(c + 3 * stride, c30);
  v128.store(c + 3 * stride, c31, 16);
}

/** exp of two values up to 0, to one unit in the last place; below -708 it stays at exp(-708). */
@inline
function exp(x: v128): v128 {
  x = f64x2.max(x, f64x2.splat(-708));
  // x = n ln 2 + r with ln 2 in two parts, the first short enough for n ln 2 to be exact.
  const n = f64x2.nearest(f64x2.mul(x, f64x2.splat(1.4426950408889634)));
  let r = f64x2.sub(x, f64x2.mul(n, f64x2.splat(0.6931471803691238)));
  r = f64x2.sub(r, f64x2.mul(n, f64x2.splat(1.9082149292705877e-10)));
  // Taylor: |r| is at most 0.347, so the next term is below 5e-18.
  let p = f64x2.splat(1.0 / 6227020800.0);
  p = f64x2.add(f64x2.mul(p, r), f64x2.splat(1.0 / 479001600.0));
  p = f64x2.add(f64x2.mul(p, r), f64x2.splat(1.0 / 39916800.0));
  p = f64x2.add(f64x2.mul(p, r), f64x2.splat(1.0 / 3628800.0));
  p = f64x2.add(f64x2.mul(p, r), f64x2.splat(1.0 / 362880.0));
  p = f64x2.add(f64x2.mul(p, r), f64x2.splat(1.0 / 40320.0));
  p = f64x2.add(f64x2.mul(p, r), f64x2.splat(1.0 / 5040.0));
  p = f64x2.add(f64x2.mul(p, r), f64x2.splat(1.0 / 720.0));
  p = f64x2.add(f64x2.mul(p, r), f64x2.splat(1.0 / 120.0));
  p = f64x2.add(f64x2.mul(p, r), f64x2.splat(1.0 / 24.0));
  p = f64x2.add(f64x2.mul(p, r), f64x2.splat(1.0 / 6.0));
  p = f64x2.add(f64x2.mul(p, r), f64x2.splat(0.5));
  p = f64x2.add(f64x2.mul(p, r), f64x2.splat(1));
  p = f64x2.add(f64x2.mul(p, r), f64x2.splat(1));
  // 2^n: adding 1.5 * 2^52 leaves n in the low bits of the mantissa.
  const bits = i64x2.add(f64x2.add(n, f64x2.splat(6755399441055744)), i64x2.splat(1023));
  return f64x2.mul(p, i64x2.shl(bits, 52));
}

/** Rows x (count, dim) float32 as panels of four rows, (BLOCK / 4, dim + 1, 4), and of four columns, (wide(dim + 1) / 4, BLOCK, 4). */
function packRows(x: usize, count: usize, dim: usize, byRows: usize, byColumns: usize): void {
  const width = dim + 1;
  memory.fill(byRows, 0, BLOCK * width * 8);
  memory.fill(byColumns, 0, BLOCK * wide(width) * 8);
  for (let row: usize = 0; row < count; row++) {
    let a = byRows + ((row >> 2) * width * 4 + (row & 3)) * 8;
    let b = byColumns + row * 32;
    for (let d: usize = 0; d < width; d++) {
      const value: f64 = d == dim ? 1 : <f64>load<f32>(x + (row * dim + d) * 4);
      store<f64>(a, value);
      store<f64>(b, value);
      a += 32;
      b += (d & 3) == 3 ? BLOCK * 32 - 24 : 8;
    }
  }
}

/** Rows times coefficients: z (BLOCK, wide(classes)). */
function scoreBlock(byRows: usize, coefficients: usize, width: usize, classes: usize, z: usize): void {
  const stride = wide(classes) * 8;
  for (let c: usize = 0; c < classes; c += 4) {
    for (let row: usize = 0; row < BLOCK; row += 4) {
      tile(byRows + row * width * 8, coefficients + c * width * 8, width, z + row * stride + c * 8, stride, false);
    }
  }
}

/** z (classes) to exp(z - max), with 0 for the largest one itself, and the sum of the others. */
function exponentials(z: usize, classes: usize, largest: usize): f64 {
  const shift = f64x2.splat(load<f64>(z + largest * 8));
  for (let c: usize = 0; c < classes; c += 2) v128.store(z + c * 8, exp(f64x2.sub(v128.load(z + c * 8), shift)));
  store<f64>(z + largest * 8, 0);
  let sum: f64 = 0;
  for (let c: usize = 0; c < classes; c++) sum += load<f64>(z + c * 8);
  return sum;
}

function argMax(z: usize, classes: usize): usize {
  let best: usize = 0;
  for (let c: usize = 1; c < classes; c++) if (load<f64>(z + c * 8) > load<f64>(z + best * 8)) best = c;
  return best;
}

/** Bytes of scratch memory for the functions below. */
export function scratchBytes(dim: usize, classes: usize): usize {
  const width = dim + 1;
  return (BLOCK * width + 2 * BLOCK * wide(width) + 2 * BLOCK * wide(classes)) * 8;
}

/**
 * Sum of the cross-entropies of x (rows, dim) with labels (rows), and in `gradient` (wide(classes), wide(dim + 1)) its
 * derivative by the coefficients, which are panels (wide(classes) / 4, dim + 1, 4).
 */
export function evaluate(
  x: usize, labels: usize, rows: usize, dim: usize, classes: usize, coefficients: usize, gradient: usize, scratch: usize,
): f64 {
  const width = dim + 1;
  const byRows = scratch;
  const byColumns = byRows + BLOCK * width * 8;
  const z = byColumns + BLOCK * wide(width) * 8;
  const residuals = z + BLOCK * wide(classes) * 8; // panels (wide(classes) / 4, BLOCK, 4)
  memory.fill(gradient, 0, wide(classes) * wide(width) * 8);
  let loss: f64 = 0;
  for (let first: usize = 0; first < rows; first += BLOCK) {
    const count = min(BLOCK, rows - first);
    packRows(x + first * dim * 4, count, dim, byRows, byColumns);
    scoreBlock(byRows, coefficients, width, classes, z);
    memory.fill(residuals, 0, BLOCK * wide(classes) * 8);
    for (let row: usize = 0; row < count; row++) {
      const line = z + row * wide(classes) * 8;
      const label = <usize>load<i32>(labels + (first + row) * 4);
      const largest = argMax(line, classes);
      const behind = load<f64>(line + largest * 8) - load<f64>(line + label * 8);
      const rest = exponentials(line, classes, largest);
      // The share of the largest is 1 / (1 + rest). Written with `rest`, small losses and residuals keep their digits.
      loss += behind + log1p(rest);
      const scale = 1 / (1 + rest);
      let others: f64 = 0;
      for (let c: usize = 0; c < classes; c++) {
        const share = (c == largest ? 1 : load<f64>(line + c * 8)) * scale;
        if (c != label) {
          others += share;
          store<f64>(residuals + ((c >> 2) * BLOCK * 4 + row * 4 + (c & 3)) * 8, share);
        }
      }
      store<f64>(residuals + ((label >> 2) * BLOCK * 4 + row * 4 + (label & 3)) * 8, -others);
    }
    for (let c: usize = 0; c < classes; c += 4) {
      for (let d: usize = 0; d < width; d += 4) {
        tile(
          residuals + c * BLOCK * 8, byColumns + d * BLOCK * 8, BLOCK,
          gradient + (c * wide(width) + d) * 8, wide(width) * 8, true,
        );
      }
    }
  }
  return loss;
}

/**
 * Sum over rows of v x xᵀ in `metric` (wide(dim + 1), wide(dim + 1)), the part on and below the diagonal, with v the
 * mean over classes of p (1 - p): the second derivative of the loss as if all classes shared it.
 */
export function metric(
  x: usize, rows: usize, dim: usize, classes: usize, coefficients: usize, result: usize, scratch: usize,
): void {
  const width = dim + 1;
  const byRows = scratch;
  const byColumns = byRows + BLOCK * width * 8;
  const z = byColumns + BLOCK * wide(width) * 8;
  const weighted = z + BLOCK * wide(classes) * 8; // panels as byColumns
  memory.fill(result, 0, wide(width) * wide(width) * 8);
  for (let first: usize = 0; first < rows; first += BLOCK) {
    const count = min(BLOCK, rows - first);
    packRows(x + first * dim * 4, count, dim, byRows, byColumns);
    scoreBlock(byRows, coefficients, width, classes, z);
    memory.fill(weighted, 0, BLOCK * wide(width) * 8);
    for (let row: usize = 0; row < count; row++) {
      const line = z + row * wide(classes) * 8;
      const largest = argMax(line, classes);
      const rest = exponentials(line, classes, largest);
      const scale = 1 / (1 + rest);
      let variance = rest * scale * scale;
      for (let c: usize = 0; c < classes; c++) {
        const share = load<f64>(line + c * 8) * scale;
        variance += share * (1 - share);
      }
      variance /= <f64>classes;
      for (let d: usize = 0; d < wide(width); d++) {
        const at = ((d >> 2) * BLOCK * 4 + row * 4 + (d & 3)) * 8;
        store<f64>(weighted + at, load<f64>(byColumns + at) * variance);
      }
    }
    for (let i: usize = 0; i < width; i += 4) {
      for (let j: usize = 0; j <= i; j += 4) {
        tile(
          weighted + i * BLOCK * 8, byColumns + j * BLOCK * 8, BLOCK,
          result + (i * wide(width) + j) * 8, wide(width) * 8, true,
        );
      }
    }
  }
}

/** Scores of x (rows, dim), (rows, classes). */
export function scores(
  x: usize, rows: usize, dim: usize, classes: usize, coefficients: usize, result: usize, scratch: usize,
): void {
  const width = dim + 1;
  const byRows = scratch;
  const byColumns = byRows + BLOCK * width * 8;
  const z = byColumns + BLOCK * wide(width) * 8;
  for (let first: usize = 0; first < rows; first += BLOCK) {
    const count = min(BLOCK, rows - first);
    packRows(x + first * dim * 4, count, dim, byRows, byColumns);
    scoreBlock(byRows, coefficients, width, classes, z);
    for (let row: usize = 0; row < count; row++) {
      memory.copy(result + (first + row) * classes * 8, z + row * wide(classes) * 8, classes * 8);
    }
  }
}

/**
 * Product of panels a (wide(rows) / 4, steps, 4) and b (wide(columns) / 4, steps, 4): result (wide(rows), wide(columns)).
 */
export function multiply(a: usize, b: usize, rows: usize, columns: usize, steps: usize, result: usize): void {
  for (let i: usize = 0; i < rows; i += 4) {
    for (let j: usize = 0; j < columns; j += 4) {
      tile(a + i * steps * 8, b + j * steps * 8, steps, result + (i * wide(columns) + j) * 8, wide(columns) * 8, false);
    }
  }
}

/** Sum of a[i] b[i] over `count` values. */
function dot(a: usize, b: usize, count: usize): f64 {
  let s0 = f64x2.splat(0);
  let s1 = f64x2.splat(0);
  let s2 = f64x2.splat(0);
  let s3 = f64x2.splat(0);
  const fast = a + (count & ~7) * 8;
  const end = a + count * 8;
  for (; a < fast; a += 64, b += 64) {
    s0 = f64x2.add(s0, f64x2.mul(v128.load(a), v128.load(b)));
    s1 = f64x2.add(s1, f64x2.mul(v128.load(a, 16), v128.load(b, 16)));
    s2 = f64x2.add(s2, f64x2.mul(v128.load(a, 32), v128.load(b, 32)));
    s3 = f64x2.add(s3, f64x2.mul(v128.load(a, 48), v128.load(b, 48)));
  }
  const s = f64x2.add(f64x2.add(s0, s1), f64x2.add(s2, s3));
  let sum = f64x2.extract_lane(s, 0) + f64x2.extract_lane(s, 1);
  for (; a < end; a += 8, b += 8) sum += load<f64>(a) * load<f64>(b);
  return sum;
}

/**
 * Inverse of a symmetric positive definite matrix (n, n) in its place, by its Cholesky factor. `root` has room for (n, n).
 */
export function inverse(matrix: usize, root: usize, n: usize): void {
  const line = n * 8;
  // The factor, over the lower triangle.
  for (let j: usize = 0; j < n; j++) {
    const row = matrix + j * line;
    for (let i: usize = 0; i < j; i++) {
      const other = matrix + i * line;
      store<f64>(row + i * 8, (load<f64>(row + i * 8) - dot(row, other, i)) / load<f64>(other + i * 8));
    }
    const diagonal = load<f64>(row + j * 8);
    // Rounding may leave nothing of a column that depends on others; a small share of the diagonal replaces it.
    store<f64>(row + j * 8, sqrt(max(diagonal - dot(row, row, j), max(diagonal * 1e-14, f64.MIN_NORMAL_VALUE))));
  }
  // Row i of `root` is column i of the factor's inverse, which is zero before i.
  memory.fill(root, 0, n * line);
  for (let i: usize = 0; i < n; i++) {
    const column = root + i * line;
    store<f64>(column + i * 8, 1 / load<f64>(matrix + i * line + i * 8));
    for (let j = i + 1; j < n; j++) {
      const row = matrix + j * line;
      store<f64>(column + j * 8, -dot(row + i * 8, column + i * 8, j - i) / load<f64>(row + j * 8));
    }
  }
  for (let i: usize = 0; i < n; i++) {
    for (let j: usize = 0; j <= i; j++) {
      const value = dot(root + i * line + i * 8, root + j * line + i * 8, n - i);
      store<f64>(matrix + i * line + j * 8, value);
      store<f64>(matrix + j * line + i * 8, value);
    }
  }
}
