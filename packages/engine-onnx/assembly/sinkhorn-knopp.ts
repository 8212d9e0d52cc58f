import { loadPart, storePart } from './lanes';
import { exp2, exp2Lane, LOG2E, maxLanes, splat, sumLanes } from './simd-math';

/** Columns whose entries of all rows are used twice, for the column and the row sums, while they are cached. */
const BLOCK: usize = 1024;

/** Stands for a sum of zeros, so that its reciprocal stays finite. */
const SMALLEST: f64 = 1e-30;

/** Bytes of scratch per row: index, scaling, exponent of the row maximum, weight; sum of the row in float64. */
const ROW: usize = 24;

@inline
function rowIndex(list: usize, i: usize): usize {
  return <usize>load<u32>(list + i * ROW);
}

/**
 * Sinkhorn-Knopp on E = exp(logits / temperature - row maximum), (rows, columns): alternately scale columns to
 * sum 1 over rows (w = 1 / (u E)) and rows to sum `valid` over columns (u = valid / (E w)), then out = u E w.
 * The row maxima are part of the first u. Rows with valid = 0 take no part and are 0 in `out`.
 *
 * E is computed once, into `out`; an iteration reads it once. `temperature` points at a float32, `valid` at `rows`
 * of them or is 0. `scratch` holds 24 * rows + 4 * columns bytes. Needs iterations >= 1.
 */
export function sinkhornKnopp(
  logits: usize, temperature: usize, valid: usize, out: usize, scratch: usize,
  rows: usize, columns: usize, iterations: i32,
): void {
  const stride = columns << 2;
  const factor = <f32>(LOG2E / <f64>load<f32>(temperature));
  const list = scratch;
  const w = scratch + rows * ROW;
  const count = listRows(logits, valid, out, list, rows, stride, factor);
  for (let iteration = 0; iteration < iterations; iteration++) {
    for (let i: usize = 0; i < count; i++) store<f64>(list + i * ROW, 0, 16);
    for (let start: usize = 0; start < columns; start += BLOCK) {
      const at = start << 2;
      const bytes = min(BLOCK << 2, stride - at);
      memory.fill(w + at, 0, bytes);
      if (iteration == 0) exponentiate(logits + at, out + at, w + at, list, count, stride, bytes, factor);
      else sumColumns(out + at, w + at, list, count, stride, bytes);
      invert(w + at, bytes);
      sumRows(out + at, w + at, list, count, stride, bytes);
    }
    for (let i: usize = 0; i < count; i++) {
      const entry = list + i * ROW;
      store<f32>(entry, <f32>(<f64>load<f32>(entry, 12) / max<f64>(load<f64>(entry, 16), SMALLEST)), 4);
    }
  }
  for (let i: usize = 0; i < count; i++) {
    scaleRow(out + rowIndex(list, i) * stride, w, stride, load<f32>(list + i * ROW, 4));
  }
}

/** Lists the valid rows with their maxima (in powers of two) and first scaling; fills the others with 0. */
function listRows(
  logits: usize, valid: usize, out: usize, list: usize, rows: usize, stride: usize, factor: f32,
): usize {
  let count: usize = 0;
  let largest: f32 = -Infinity;
  for (let r: usize = 0; r < rows; r++) {
    const weight: f32 = valid ? load<f32>(valid + (r << 2)) : 1;
    if (!(weight > 0)) {
      memory.fill(out + r * stride, 0, stride);
      continue;
    }
    const top = rowMaximum(logits + r * stride, stride, factor);
    const entry = list + count * ROW;
    store<u32>(entry, <u32>r);
    store<f32>(entry, top, 8);
    store<f32>(entry, weight, 12);
    largest = max<f32>(largest, top);
    count++;
  }
  for (let i: usize = 0; i < count; i++) {
    const entry = list + i * ROW;
    store<f32>(entry, exp2Lane(load<f32>(entry, 8) - largest) * load<f32>(entry, 12), 4);
  }
  return count;
}

function rowMaximum(x: usize, bytes: usize, factor: f32): f32 {
  const scale = splat(factor);
  const whole = bytes & ~31;
  let a = splat(-Infinity), b = a;
  for (let j: usize = 0; j < whole; j += 32) {
    a = f32x4.pmax(a, f32x4.mul(v128.load(x + j), scale));
    b = f32x4.pmax(b, f32x4.mul(v128.load(x + j, 16), scale));
  }
  let top = maxLanes(f32x4.pmax(a, b));
  for (let j = whole; j < bytes; j += 4) top = max<f32>(top, load<f32>(x + j) * factor);
  return top;
}

/** out = E and w += u E over one block of columns. */
function exponentiate(
  logits: usize, out: usize, w: usize, list: usize, count: usize, stride: usize, bytes: usize, factor: f32,
): void {
  const scale = splat(factor);
  const whole = bytes & ~15;
  const pairs = bytes & ~31;
  for (let i: usize = 0; i < count; i++) {
    const entry = list + i * ROW;
    const at = rowIndex(list, i) * stride;
    const x = logits + at;
    const e = out + at;
    const u = v128.load32_splat(entry, 4);
    const shift = v128.load32_splat(entry, 8);
    let j: usize = 0;
    for (; j < pairs; j += 32) {
      const e0 = exp2(f32x4.sub(f32x4.mul(v128.load(x + j), scale), shift));
      const e1 = exp2(f32x4.sub(f32x4.mul(v128.load(x + j, 16), scale), shift));
      v128.store(e + j, e0);
      v128.store(e + j, e1, 16);
      v128.store(w + j, f32x4.add(v128.load(w + j), f32x4.mul(u, e0)));
      v128.store(w + j, f32x4.add(v128.load(w + j, 16), f32x4.mul(u, e1)), 16);
    }
    if (j < whole) {
      const e0 = exp2(f32x4.sub(f32x4.mul(v128.load(x + j), scale), shift));
      v128.store(e + j, e0);
      v128.store(w + j, f32x4.add(v128.load(w + j), f32x4.mul(u, e0)));
    }
    if (whole < bytes) {
      const rest = (bytes - whole) >> 2;
      const e0 = exp2(f32x4.sub(f32x4.mul(loadPart(x + whole, rest), scale), shift));
      storePart(e + whole, e0, rest);
      storePart(w + whole, f32x4.add(loadPart(w + whole, rest), f32x4.mul(u, e0)), rest);
    }
  }
}

/** w += u E over one block of columns. */
function sumColumns(e: usize, w: usize, list: usize, count: usize, stride: usize, bytes: usize): void {
  const whole = bytes & ~15;
  let i: usize = 0;
  for (; i + 4 <= count; i += 4) {
    const entry = list + i * ROW;
    const u0 = v128.load32_splat(entry, 4);
    const u1 = v128.load32_splat(entry, 28);
    const u2 = v128.load32_splat(entry, 52);
    const u3 = v128.load32_splat(entry, 76);
    const e0 = e + rowIndex(list, i) * stride;
    const e1 = e + rowIndex(list, i + 1) * stride;
    const e2 = e + rowIndex(list, i + 2) * stride;
    const e3 = e + rowIndex(list, i + 3) * stride;
    for (let j: usize = 0; j < whole; j += 16) {
      const a = f32x4.add(f32x4.mul(u0, v128.load(e0 + j)), f32x4.mul(u1, v128.load(e1 + j)));
      const b = f32x4.add(f32x4.mul(u2, v128.load(e2 + j)), f32x4.mul(u3, v128.load(e3 + j)));
      v128.store(w + j, f32x4.add(v128.load(w + j), f32x4.add(a, b)));
    }
  }
  for (; i < count; i++) {
    const u = v128.load32_splat(list + i * ROW, 4);
    const at = e + rowIndex(list, i) * stride;
    for (let j: usize = 0; j < whole; j += 16) {
      v128.store(w + j, f32x4.add(v128.load(w + j), f32x4.mul(u, v128.load(at + j))));
    }
  }
  if (whole < bytes) {
    const rest = (bytes - whole) >> 2;
    for (i = 0; i < count; i++) {
      const u = v128.load32_splat(list + i * ROW, 4);
      const at = e + rowIndex(list, i) * stride + whole;
      storePart(w + whole, f32x4.add(loadPart(w + whole, rest), f32x4.mul(u, loadPart(at, rest))), rest);
    }
  }
}

/** w = 1 / max(w, SMALLEST). */
function invert(w: usize, bytes: usize): void {
  const one = splat(1.0);
  const smallest = splat(<f32>SMALLEST);
  const whole = bytes & ~15;
  for (let j: usize = 0; j < whole; j += 16) {
    v128.store(w + j, f32x4.div(one, f32x4.max(v128.load(w + j), smallest)));
  }
  for (let j = whole; j < bytes; j += 4) {
    store<f32>(w + j, <f32>1 / max<f32>(load<f32>(w + j), <f32>SMALLEST));
  }
}

/** Adds E w over one block of columns to the rows' sums. */
function sumRows(e: usize, w: usize, list: usize, count: usize, stride: usize, bytes: usize): void {
  const whole = bytes & ~15;
  const rest = (bytes - whole) >> 2;
  let i: usize = 0;
  for (; i + 4 <= count; i += 4) {
    const e0 = e + rowIndex(list, i) * stride;
    const e1 = e + rowIndex(list, i + 1) * stride;
    const e2 = e + rowIndex(list, i + 2) * stride;
    const e3 = e + rowIndex(list, i + 3) * stride;
    let s0 = splat(0), s1 = s0, s2 = s0, s3 = s0;
    for (let j: usize = 0; j < whole; j += 16) {
      const v = v128.load(w + j);
      s0 = f32x4.add(s0, f32x4.mul(v, v128.load(e0 + j)));
      s1 = f32x4.add(s1, f32x4.mul(v, v128.load(e1 + j)));
      s2 = f32x4.add(s2, f32x4.mul(v, v128.load(e2 + j)));
      s3 = f32x4.add(s3, f32x4.mul(v, v128.load(e3 + j)));
    }
    if (rest) {
      const v = loadPart(w + whole, rest);
      s0 = f32x4.add(s0, f32x4.mul(v, loadPart(e0 + whole, rest)));
      s1 = f32x4.add(s1, f32x4.mul(v, loadPart(e1 + whole, rest)));
      s2 = f32x4.add(s2, f32x4.mul(v, loadPart(e2 + whole, rest)));
      s3 = f32x4.add(s3, f32x4.mul(v, loadPart(e3 + whole, rest)));
    }
    addSum(list, i, s0);
    addSum(list, i + 1, s1);
    addSum(list, i + 2, s2);
    addSum(list, i + 3, s3);
  }
  for (; i < count; i++) {
    const at = e + rowIndex(list, i) * stride;
    let s = splat(0);
    for (let j: usize = 0; j < whole; j += 16) {
      s = f32x4.add(s, f32x4.mul(v128.load(w + j), v128.load(at + j)));
    }
    if (rest) s = f32x4.add(s, f32x4.mul(loadPart(w + whole, rest), loadPart(at + whole, rest)));
    addSum(list, i, s);
  }
}

@inline
function addSum(list: usize, i: usize, s: v128): void {
  const entry = list + i * ROW;
  store<f64>(entry, load<f64>(entry, 16) + sumLanes(s), 16);
}

/** E = u E w of one row. */
function scaleRow(e: usize, w: usize, bytes: usize, u: f32): void {
  const scale = splat(u);
  const whole = bytes & ~15;
  for (let j: usize = 0; j < whole; j += 16) {
    v128.store(e + j, f32x4.mul(f32x4.mul(v128.load(e + j), scale), v128.load(w + j)));
  }
  if (whole < bytes) {
    const rest = (bytes - whole) >> 2;
    storePart(e + whole, f32x4.mul(f32x4.mul(loadPart(e + whole, rest), scale), loadPart(w + whole, rest)), rest);
  }
}
