import { splat } from './simd-math';

/** out = a + b. out may be a or b. */
export function add(a: usize, b: usize, out: usize, count: usize): void {
  const bytes = count << 2;
  const whole = bytes & ~63;
  for (let i: usize = 0; i < whole; i += 64) {
    const x0 = f32x4.add(v128.load(a + i), v128.load(b + i));
    const x1 = f32x4.add(v128.load(a + i, 16), v128.load(b + i, 16));
    const x2 = f32x4.add(v128.load(a + i, 32), v128.load(b + i, 32));
    const x3 = f32x4.add(v128.load(a + i, 48), v128.load(b + i, 48));
    v128.store(out + i, x0);
    v128.store(out + i, x1, 16);
    v128.store(out + i, x2, 32);
    v128.store(out + i, x3, 48);
  }
  for (let i = whole; i < bytes; i += 4) store<f32>(out + i, load<f32>(a + i) + load<f32>(b + i));
}

/** out = a - b. out may be a or b. */
export function subtract(a: usize, b: usize, out: usize, count: usize): void {
  const bytes = count << 2;
  const whole = bytes & ~31;
  for (let i: usize = 0; i < whole; i += 32) {
    const x0 = f32x4.sub(v128.load(a + i), v128.load(b + i));
    const x1 = f32x4.sub(v128.load(a + i, 16), v128.load(b + i, 16));
    v128.store(out + i, x0);
    v128.store(out + i, x1, 16);
  }
  for (let i = whole; i < bytes; i += 4) store<f32>(out + i, load<f32>(a + i) - load<f32>(b + i));
}

/** out = a b. out may be a or b. */
export function multiply(a: usize, b: usize, out: usize, count: usize): void {
  const bytes = count << 2;
  const whole = bytes & ~31;
  for (let i: usize = 0; i < whole; i += 32) {
    const x0 = f32x4.mul(v128.load(a + i), v128.load(b + i));
    const x1 = f32x4.mul(v128.load(a + i, 16), v128.load(b + i, 16));
    v128.store(out + i, x0);
    v128.store(out + i, x1, 16);
  }
  for (let i = whole; i < bytes; i += 4) store<f32>(out + i, load<f32>(a + i) * load<f32>(b + i));
}

/** out = factor a, with `factor` pointing at a float32. out may be a. */
export function multiplyScalar(a: usize, factor: usize, out: usize, count: usize): void {
  const scalar = load<f32>(factor);
  const f = splat(scalar);
  const bytes = count << 2;
  const whole = bytes & ~31;
  for (let i: usize = 0; i < whole; i += 32) {
    const x0 = f32x4.mul(v128.load(a + i), f);
    const x1 = f32x4.mul(v128.load(a + i, 16), f);
    v128.store(out + i, x0);
    v128.store(out + i, x1, 16);
  }
  for (let i = whole; i < bytes; i += 4) store<f32>(out + i, load<f32>(a + i) * scalar);
}
