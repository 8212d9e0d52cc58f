import { addRow } from './column-sums';
import { loadPart, storePart } from './lanes';
import { splat } from './simd-math';

/** Vectors whose contribution to dgamma is summed apart before it joins the total, against rounding. */
const BLOCK: usize = 64;

@inline
export function rowAt(rows: usize, k: usize): usize {
  return rows ? <usize>load<u32>(rows + (k << 2)) : k;
}

/**
 * out (B, inner, D) = x, and out[rows[k]] += scale gamma y[k] for y (count, inner, D). `gamma` (D) and `rows`
 * (count int32, distinct) may be 0: factor 1 and all rows. out may be x; without `rows` it may be y.
 */
export function addScaledRows(
  x: usize, y: usize, gamma: usize, rows: usize, out: usize,
  batch: usize, count: usize, inner: usize, columns: usize, scale: f32,
): void {
  const stride = columns << 2;
  const rowBytes = inner * stride;
  if (rows && out != x) memory.copy(out, x, batch * rowBytes);
  const base = rows ? out : x;
  for (let k: usize = 0; k < count; k++) {
    const at = rowAt(rows, k) * rowBytes;
    const from = y + k * rowBytes;
    if (!gamma) {
      addScaled(base + at, from, out + at, rowBytes, scale);
      continue;
    }
    for (let i: usize = 0; i < rowBytes; i += stride) {
      addProduct(base + at + i, from + i, gamma, out + at + i, stride, scale);
    }
  }
}

/** out = x + scale y. */
function addScaled(x: usize, y: usize, out: usize, bytes: usize, scale: f32): void {
  const factor = splat(scale);
  const whole = bytes & ~31;
  for (let j: usize = 0; j < whole; j += 32) {
    const a = f32x4.add(v128.load(x + j), f32x4.mul(v128.load(y + j), factor));
    const b = f32x4.add(v128.load(x + j, 16), f32x4.mul(v128.load(y + j, 16), factor));
    v128.store(out + j, a);
    v128.store(out + j, b, 16);
  }
  for (let j = whole; j < bytes; j += 4) {
    store<f32>(out + j, load<f32>(x + j) + load<f32>(y + j) * scale);
  }
}

/** out = x + scale gamma y. */
function addProduct(x: usize, y: usize, gamma: usize, out: usize, bytes: usize, scale: f32): void {
  const factor = splat(scale);
  const whole = bytes & ~15;
  for (let j: usize = 0; j < whole; j += 16) {
    const scaled = f32x4.mul(v128.load(y + j), f32x4.mul(v128.load(gamma + j), factor));
    v128.store(out + j, f32x4.add(v128.load(x + j), scaled));
  }
  for (let j = whole; j < bytes; j += 4) {
    store<f32>(out + j, load<f32>(x + j) + load<f32>(y + j) * (load<f32>(gamma + j) * scale));
  }
}

/**
 * dy (count, inner, D) = scale gamma dout[rows] and, if `gamma` is not 0, dgamma (D) = sum scale dout[rows] y.
 * dy may be y. `scratch` holds 4 * D bytes where there is a gamma.
 */
export function addScaledRowsGrad(
  dout: usize, y: usize, gamma: usize, rows: usize, dy: usize, dgamma: usize, scratch: usize,
  count: usize, inner: usize, columns: usize, scale: f32,
): void {
  const stride = columns << 2;
  const rowBytes = inner * stride;
  if (!gamma) {
    for (let k: usize = 0; k < count; k++) scaled(dout + rowAt(rows, k) * rowBytes, dy + k * rowBytes, rowBytes, scale);
    return;
  }
  memory.fill(dgamma, 0, stride);
  memory.fill(scratch, 0, stride);
  let pending: usize = 0;
  for (let k: usize = 0; k < count; k++) {
    const from = dout + rowAt(rows, k) * rowBytes;
    const at = k * rowBytes;
    for (let i: usize = 0; i < rowBytes; i += stride) {
      gradients(from + i, y + at + i, gamma, dy + at + i, scratch, stride, scale);
      if (++pending == BLOCK) {
        addRow(scratch, dgamma, stride);
        memory.fill(scratch, 0, stride);
        pending = 0;
      }
    }
  }
  addRow(scratch, dgamma, stride);
  scaled(dgamma, dgamma, stride, scale);
}

/** out = scale x. */
function scaled(x: usize, out: usize, bytes: usize, scale: f32): void {
  const factor = splat(scale);
  const whole = bytes & ~31;
  for (let j: usize = 0; j < whole; j += 32) {
    const a = f32x4.mul(v128.load(x + j), factor);
    const b = f32x4.mul(v128.load(x + j, 16), factor);
    v128.store(out + j, a);
    v128.store(out + j, b, 16);
  }
  for (let j = whole; j < bytes; j += 4) store<f32>(out + j, load<f32>(x + j) * scale);
}

/** dy = scale gamma dout, sums += dout y. */
function gradients(
  dout: usize, y: usize, gamma: usize, dy: usize, sums: usize, bytes: usize, scale: f32,
): void {
  const factor = splat(scale);
  const whole = bytes & ~15;
  for (let j: usize = 0; j < whole; j += 16) {
    const d = v128.load(dout + j);
    v128.store(sums + j, f32x4.add(v128.load(sums + j), f32x4.mul(d, v128.load(y + j))));
    v128.store(dy + j, f32x4.mul(d, f32x4.mul(v128.load(gamma + j), factor)));
  }
  if (whole < bytes) {
    const rest = (bytes - whole) >> 2;
    const d = loadPart(dout + whole, rest);
    const product = f32x4.mul(d, loadPart(y + whole, rest));
    storePart(sums + whole, f32x4.add(loadPart(sums + whole, rest), product), rest);
    storePart(dy + whole, f32x4.mul(d, f32x4.mul(loadPart(gamma + whole, rest), factor)), rest);
  }
}

/** out[k] = x[rows[k]], rows of `rowBytes` bytes. */
export function takeRows(x: usize, rows: usize, out: usize, count: usize, rowBytes: usize): void {
  for (let k: usize = 0; k < count; k++) memory.copy(out + k * rowBytes, x + rowAt(rows, k) * rowBytes, rowBytes);
}

/** out (size rows) = 0, and out[rows[k]] = dy[k]. */
export function takeRowsGrad(dy: usize, rows: usize, out: usize, count: usize, size: usize, rowBytes: usize): void {
  memory.fill(out, 0, size * rowBytes);
  for (let k: usize = 0; k < count; k++) memory.copy(out + rowAt(rows, k) * rowBytes, dy + k * rowBytes, rowBytes);
}
