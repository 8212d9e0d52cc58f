import { loadPart, storePart } from './lanes';

/** out (columns) = sum of the rows of x (rows, columns). */
export function columnSums(x: usize, out: usize, rows: usize, columns: usize): void {
  const stride = columns << 2;
  memory.fill(out, 0, stride);
  let r: usize = 0;
  // Eight rows at a time: fewer passes over `out`, and partial sums that grow eight times slower.
  for (; r + 8 <= rows; r += 8) addEightRows(x + r * stride, out, stride);
  for (; r < rows; r++) addRow(x + r * stride, out, stride);
}

@inline
function sumEight(at: usize, stride: usize): v128 {
  const stride4 = stride << 2;
  const a = f32x4.add(v128.load(at), v128.load(at + stride));
  const b = f32x4.add(v128.load(at + 2 * stride), v128.load(at + 3 * stride));
  const c = f32x4.add(v128.load(at + stride4), v128.load(at + stride4 + stride));
  const d = f32x4.add(v128.load(at + stride4 + 2 * stride), v128.load(at + stride4 + 3 * stride));
  return f32x4.add(f32x4.add(a, b), f32x4.add(c, d));
}

function addEightRows(x: usize, out: usize, bytes: usize): void {
  const whole = bytes & ~15;
  for (let j: usize = 0; j < whole; j += 16) {
    v128.store(out + j, f32x4.add(v128.load(out + j), sumEight(x + j, bytes)));
  }
  for (let j = whole; j < bytes; j += 4) {
    let sum: f32 = 0;
    for (let r: usize = 0; r < 8; r++) sum += load<f32>(x + j + r * bytes);
    store<f32>(out + j, load<f32>(out + j) + sum);
  }
}

/** out += x over `bytes` bytes of float32. */
export function addRow(x: usize, out: usize, bytes: usize): void {
  const whole = bytes & ~15;
  for (let j: usize = 0; j < whole; j += 16) {
    v128.store(out + j, f32x4.add(v128.load(out + j), v128.load(x + j)));
  }
  if (whole < bytes) {
    const rest = (bytes - whole) >> 2;
    storePart(out + whole, f32x4.add(loadPart(out + whole, rest), loadPart(x + whole, rest)), rest);
  }
}
