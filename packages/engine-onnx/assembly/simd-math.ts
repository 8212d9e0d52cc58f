/** Four float32 lanes of `value`. */
@inline
export function splat(value: f32): v128 {
  return f32x4.splat(value);
}

/** Sum of the four lanes in float64. */
@inline
export function sumLanes(v: v128): f64 {
  return (
    (<f64>f32x4.extract_lane(v, 0) + <f64>f32x4.extract_lane(v, 1)) +
    (<f64>f32x4.extract_lane(v, 2) + <f64>f32x4.extract_lane(v, 3))
  );
}

/** Largest lane; NaN where any lane is NaN. */
@inline
export function maxLanes(v: v128): f32 {
  return max<f32>(
    max<f32>(f32x4.extract_lane(v, 0), f32x4.extract_lane(v, 1)),
    max<f32>(f32x4.extract_lane(v, 2), f32x4.extract_lane(v, 3)),
  );
}

/** log2(e): exp(x) = exp2(x LOG2E). */
export const LOG2E: f64 = 1.4426950408889634;

/**
 * 2^x per lane for x <= 127.5, within 2e-7 relative. 0 below -126.5: subnormal results are flushed,
 * so that none slows what follows. NaN for NaN.
 *
 * x = n + r with integer n and |r| <= 1/2; 2^r is a minimax polynomial that is exact at 0.
 */
@inline
export function exp2(x: v128): v128 {
  // pmax keeps its first operand when that is NaN.
  const clamped = f32x4.pmax(x, splat(-127.0));
  // Adding 1.5 * 2^23 rounds to the nearest integer; with 127 more, the low bits are n's biased exponent.
  const shifted = f32x4.add(clamped, splat(12582912.0 + 127.0));
  const r = f32x4.sub(clamped, f32x4.sub(shifted, splat(12582912.0 + 127.0)));
  let p = f32x4.add(f32x4.mul(r, splat(0.00132647271)), splat(0.00967151265));
  p = f32x4.add(f32x4.mul(r, p), splat(0.0555073374));
  p = f32x4.add(f32x4.mul(r, p), splat(0.240222421));
  p = f32x4.add(f32x4.mul(r, p), splat(0.693146978));
  p = f32x4.add(f32x4.mul(r, p), splat(1.0));
  return f32x4.mul(p, i32x4.shl(shifted, 23));
}

/** 1 / (1 + exp(-x)) per lane. */
@inline
export function sigmoid(x: v128): v128 {
  const one = splat(1.0);
  // 2^128 is +inf as a bit pattern, so that sigmoid is 0 from there on; pmin keeps a NaN in its first operand.
  const exponent = f32x4.pmin(f32x4.mul(x, splat(<f32>-LOG2E)), splat(128.0));
  return f32x4.div(one, f32x4.add(one, exp2(exponent)));
}

/** 2^x of one number, as {@link exp2}. */
@inline
export function exp2Lane(x: f32): f32 {
  return f32x4.extract_lane(exp2(splat(x)), 0);
}

/**
 * Base-2 logarithm of a float64, within 1e-15 absolute or relative; -inf at 0, NaN below.
 *
 * x = 2^e m with m in [sqrt(1/2), sqrt 2); ln m = 2 artanh((m - 1) / (m + 1)) as a power series.
 * Written here because the standard library's uses tables in static memory.
 */
export function log2Of(x: f64): f64 {
  if (!(x > 0)) return x == 0 ? -Infinity : NaN;
  if (x == Infinity) return x;
  const bits = reinterpret<u64>(x);
  let exponent = <i32>(bits >> 52) - 1023;
  let m = reinterpret<f64>((bits & 0x000fffffffffffff) | 0x3ff0000000000000);
  if (m > 1.4142135623730951) {
    m *= 0.5;
    exponent += 1;
  }
  const s = (m - 1) / (m + 1);
  const s2 = s * s;
  // |s| <= 0.1716: the first term left out, s^21 / 21, is below 5e-18.
  let series: f64 = 1.0 / 19.0;
  series = series * s2 + 1.0 / 17.0;
  series = series * s2 + 1.0 / 15.0;
  series = series * s2 + 1.0 / 13.0;
  series = series * s2 + 1.0 / 11.0;
  series = series * s2 + 1.0 / 9.0;
  series = series * s2 + 1.0 / 7.0;
  series = series * s2 + 1.0 / 5.0;
  series = series * s2 + 1.0 / 3.0;
  series = series * s2 + 1.0;
  return <f64>exponent + 2 * LOG2E * s * series;
}

/** exp(x) of a float64 below 700, within 1e-15 relative; 0 below -700. A power series after x = n ln2 + r. */
export function expOf(x: f64): f64 {
  if (x < -700) return 0;
  const n = nearest<f64>(x * LOG2E);
  const r = x - n * 0.6931471805599453;
  let series: f64 = 1;
  // |r| <= 0.3466: the first term left out, r^15 / 15!, is below 1e-19.
  for (let k: f64 = 14; k > 0; k -= 1) series = 1 + (series * r) / k;
  return series * reinterpret<f64>(<i64>(n + 1023) << 52);
}

/** exp2 for its test: `y[i] = 2^x[i]`, count a multiple of 4. */
export function mapExp2(x: usize, y: usize, count: usize): void {
  for (let i: usize = 0; i < count << 2; i += 16) v128.store(y + i, exp2(v128.load(x + i)));
}

/** Sigmoid for its test, as {@link mapExp2}. */
export function mapSigmoid(x: usize, y: usize, count: usize): void {
  for (let i: usize = 0; i < count << 2; i += 16) v128.store(y + i, sigmoid(v128.load(x + i)));
}

/** Functions of one number, for their tests. */
export function log2Number(x: f64): f64 {
  return log2Of(x);
}

export function expNumber(x: f64): f64 {
  return expOf(x);
}
