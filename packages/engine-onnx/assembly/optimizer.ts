import { loadPart, storePart } from './lanes';
import { splat, sumLanes } from './simd-math';

/** Bytes of float32 squares summed in single precision before they join the float64 total. */
const BLOCK: usize = 4096;

/** out (1) = sum of x^2, accumulated in float64. */
export function squaredNorm(x: usize, out: usize, count: usize): void {
  const bytes = count << 2;
  const whole = bytes & ~63;
  let total: f64 = 0;
  for (let start: usize = 0; start < whole; start += BLOCK) {
    const end = min(start + BLOCK, whole);
    let a = splat(0), b = splat(0), c = splat(0), d = splat(0);
    for (let i = start; i < end; i += 64) {
      const x0 = v128.load(x + i);
      const x1 = v128.load(x + i, 16);
      const x2 = v128.load(x + i, 32);
      const x3 = v128.load(x + i, 48);
      a = f32x4.add(a, f32x4.mul(x0, x0));
      b = f32x4.add(b, f32x4.mul(x1, x1));
      c = f32x4.add(c, f32x4.mul(x2, x2));
      d = f32x4.add(d, f32x4.mul(x3, x3));
    }
    total += sumLanes(f32x4.add(f32x4.add(a, b), f32x4.add(c, d)));
  }
  for (let i = whole; i < bytes; i += 4) {
    const v = <f64>load<f32>(x + i);
    total += v * v;
  }
  store<f32>(out, <f32>total);
}

/** out = momentum target + (1 - momentum) source. `momentum` points at one float32. out may be target or source. */
export function ema(target: usize, source: usize, momentum: usize, out: usize, count: usize): void {
  const m = load<f32>(momentum);
  const keep = splat(m);
  const take = splat(<f32>1 - m);
  const bytes = count << 2;
  const whole = bytes & ~63;
  for (let i: usize = 0; i < whole; i += 64) {
    const a = f32x4.add(f32x4.mul(v128.load(target + i), keep), f32x4.mul(v128.load(source + i), take));
    const b = f32x4.add(f32x4.mul(v128.load(target + i, 16), keep), f32x4.mul(v128.load(source + i, 16), take));
    const c = f32x4.add(f32x4.mul(v128.load(target + i, 32), keep), f32x4.mul(v128.load(source + i, 32), take));
    const d = f32x4.add(f32x4.mul(v128.load(target + i, 48), keep), f32x4.mul(v128.load(source + i, 48), take));
    v128.store(out + i, a);
    v128.store(out + i, b, 16);
    v128.store(out + i, c, 32);
    v128.store(out + i, d, 48);
  }
  for (let i = whole; i < bytes; i += 4) {
    store<f32>(out + i, load<f32>(target + i) * m + load<f32>(source + i) * (<f32>1 - m));
  }
}

/**
 * AdamW as torch.optim.AdamW. `hyper` points at [lr, weightDecay, 1/(1-b1^t), 1/(1-b2^t), gradScale, apply].
 * Outputs may be the inputs of the same name; with apply = 0 they are copies, whatever the gradient.
 */
export function adamW(
  param: usize, grad: usize, m: usize, v: usize, hyper: usize,
  outParam: usize, outM: usize, outV: usize,
  count: usize, beta1: f64, beta2: f64, epsilon: f32,
): void {
  const bytes = count << 2;
  if (!(load<f32>(hyper, 20) > 0)) {
    copy(param, outParam, bytes);
    copy(m, outM, bytes);
    copy(v, outV, bytes);
    return;
  }
  const learningRate = load<f32>(hyper);
  const decay = splat(<f32>1 - learningRate * load<f32>(hyper, 4));
  const rate = splat(learningRate * load<f32>(hyper, 8));
  const correction = splat(load<f32>(hyper, 12));
  const gradScale = splat(load<f32>(hyper, 16));
  const keep1 = splat(<f32>beta1);
  const take1 = splat(<f32>(1 - beta1));
  const keep2 = splat(<f32>beta2);
  const take2 = splat(<f32>(1 - beta2));
  const eps = splat(epsilon);
  const whole = bytes & ~15;
  for (let i: usize = 0; i < whole; i += 16) {
    const g = f32x4.mul(v128.load(grad + i), gradScale);
    const nextM = f32x4.add(f32x4.mul(v128.load(m + i), keep1), f32x4.mul(g, take1));
    const nextV = f32x4.add(f32x4.mul(v128.load(v + i), keep2), f32x4.mul(f32x4.mul(g, g), take2));
    v128.store(outM + i, nextM);
    v128.store(outV + i, nextV);
    v128.store(outParam + i, moved(v128.load(param + i), nextM, nextV, decay, rate, correction, eps));
  }
  if (whole < bytes) {
    const rest = (bytes - whole) >> 2;
    const g = f32x4.mul(loadPart(grad + whole, rest), gradScale);
    const nextM = f32x4.add(f32x4.mul(loadPart(m + whole, rest), keep1), f32x4.mul(g, take1));
    const nextV = f32x4.add(f32x4.mul(loadPart(v + whole, rest), keep2), f32x4.mul(f32x4.mul(g, g), take2));
    storePart(outM + whole, nextM, rest);
    storePart(outV + whole, nextV, rest);
    const next = moved(loadPart(param + whole, rest), nextM, nextV, decay, rate, correction, eps);
    storePart(outParam + whole, next, rest);
  }
}

@inline
function moved(param: v128, m: v128, v: v128, decay: v128, rate: v128, correction: v128, eps: v128): v128 {
  const denominator = f32x4.add(f32x4.sqrt(f32x4.mul(v, correction)), eps);
  return f32x4.sub(f32x4.mul(param, decay), f32x4.div(f32x4.mul(m, rate), denominator));
}

@inline
function copy(from: usize, to: usize, bytes: usize): void {
  if (from != to) memory.copy(to, from, bytes);
}
