import { loadPart, storePart } from './lanes';
import { sigmoid, splat } from './simd-math';

/** y (rows, half) = silu(gate) value, with x (rows, 2 half) = [gate, value] per row. */
export function swiglu(x: usize, y: usize, rows: usize, half: usize): void {
  const bytes = half << 2;
  for (let r: usize = 0; r < rows; r++) swigluRow(x + 2 * r * bytes, y + r * bytes, bytes);
}

@inline
function product(gate: v128, value: v128): v128 {
  return f32x4.mul(f32x4.mul(gate, sigmoid(gate)), value);
}

function swigluRow(x: usize, y: usize, bytes: usize): void {
  const whole = bytes & ~15;
  const value = x + bytes;
  for (let j: usize = 0; j < whole; j += 16) {
    v128.store(y + j, product(v128.load(x + j), v128.load(value + j)));
  }
  if (whole < bytes) {
    const rest = (bytes - whole) >> 2;
    storePart(y + whole, product(loadPart(x + whole, rest), loadPart(value + whole, rest)), rest);
  }
}

/** dx (rows, 2 half) from x and dy (rows, half). dx may be x. */
export function swigluGrad(x: usize, dy: usize, dx: usize, rows: usize, half: usize): void {
  const bytes = half << 2;
  for (let r: usize = 0; r < rows; r++) {
    swigluGradRow(x + 2 * r * bytes, dy + r * bytes, dx + 2 * r * bytes, bytes);
  }
}

/** silu' = s + silu (1 - s) with s = sigmoid(gate). */
@inline
function slope(s: v128, silu: v128): v128 {
  return f32x4.add(s, f32x4.mul(silu, f32x4.sub(splat(1.0), s)));
}

function swigluGradRow(x: usize, dy: usize, dx: usize, bytes: usize): void {
  const whole = bytes & ~15;
  for (let j: usize = 0; j < whole; j += 16) {
    const gate = v128.load(x + j);
    const d = v128.load(dy + j);
    const s = sigmoid(gate);
    const silu = f32x4.mul(gate, s);
    const dgate = f32x4.mul(f32x4.mul(d, v128.load(x + bytes + j)), slope(s, silu));
    v128.store(dx + j, dgate);
    v128.store(dx + bytes + j, f32x4.mul(d, silu));
  }
  if (whole < bytes) {
    const rest = (bytes - whole) >> 2;
    const gate = loadPart(x + whole, rest);
    const d = loadPart(dy + whole, rest);
    const s = sigmoid(gate);
    const silu = f32x4.mul(gate, s);
    const dgate = f32x4.mul(f32x4.mul(d, loadPart(x + bytes + whole, rest)), slope(s, silu));
    storePart(dx + whole, dgate, rest);
    storePart(dx + bytes + whole, f32x4.mul(d, silu), rest);
  }
}
