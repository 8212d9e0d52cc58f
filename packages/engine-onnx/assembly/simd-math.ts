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

/**
 * exp(x) per lane, within 2 ulp. Overflows to +inf above 88.72, is 0 below -86.99 (results under
 * 1.6e-38 are flushed, so that no subnormal slows what follows), NaN for NaN.
 *
 * x = n ln2 + r with |r| <= ln2 / 2; e^r is a minimax polynomial, doubled so that the factor
 * 2^(n-1) stays a finite float at n = 128 and becomes 0 at n = -126.
 */
@inline
export function exp4(x: v128): v128 {
  // pmin/pmax keep their first operand when it is NaN.
  const clamped = f32x4.pmax(f32x4.pmin(x, splat(89.0)), splat(-87.3));
  // Adding 1.5 * 2^23 rounds to the nearest integer and leaves it in the low bits.
  const shifted = f32x4.add(f32x4.mul(clamped, splat(1.4426950408889634)), splat(12582912.0));
  const n = f32x4.sub(shifted, splat(12582912.0));
  const r = f32x4.sub(
    f32x4.sub(clamped, f32x4.mul(n, splat(0.693359375))),
    f32x4.mul(n, splat(-2.12194440e-4)),
  );
  const r2 = f32x4.mul(r, r);
  const high = f32x4.add(f32x4.mul(r, splat(2.0 * 0.00836871689)), splat(2.0 * 0.041668388));
  const low = f32x4.add(f32x4.mul(r, splat(2.0 * 0.166665206)), splat(2.0 * 0.499999934));
  const q = f32x4.add(
    f32x4.mul(r2, f32x4.add(f32x4.mul(r2, splat(2.0 * 0.00138145985)), high)),
    low,
  );
  const doubled = f32x4.add(f32x4.mul(r2, q), f32x4.add(f32x4.add(r, r), splat(2.0)));
  const scale = i32x4.add(i32x4.shl(shifted, 23), i32x4.splat(126 << 23));
  return f32x4.mul(doubled, scale);
}

/** exp(x) of one number, as {@link exp4}. */
@inline
export function exp1(x: f32): f32 {
  return f32x4.extract_lane(exp4(splat(x)), 0);
}

/**
 * Upper tail of the standard normal distribution at |x|, given e = exp(-x^2 / 2):
 * 0.5 erfc(|x| / sqrt 2) = e t q(t), t = 1 / (1 + 0.35 |x|), within 3e-8 absolute.
 */
@inline
export function normalTail4(x: v128, e: v128): v128 {
  const one = splat(1.0);
  const t = f32x4.div(one, f32x4.add(one, f32x4.mul(f32x4.abs(x), splat(0.35))));
  const t2 = f32x4.mul(t, t);
  const c01 = f32x4.add(splat(0.139386886), f32x4.mul(t, splat(0.140932321)));
  const c23 = f32x4.add(splat(0.126953085), f32x4.mul(t, splat(0.0415558102)));
  const c45 = f32x4.add(splat(0.175563096), f32x4.mul(t, splat(-0.164427225)));
  const c456 = f32x4.add(c45, f32x4.mul(t2, splat(0.0400360419)));
  const c23456 = f32x4.add(c23, f32x4.mul(t2, c456));
  const q = f32x4.add(c01, f32x4.mul(t2, c23456));
  return f32x4.mul(f32x4.mul(e, t), q);
}

/** exp(-x^2 / 2) per lane. */
@inline
export function gaussian4(x: v128): v128 {
  return exp4(f32x4.mul(f32x4.mul(x, x), splat(-0.5)));
}

/** Standard normal distribution function at x, given e = exp(-x^2 / 2). */
@inline
export function normalCdf4(x: v128, e: v128): v128 {
  const tail = normalTail4(x, e);
  return v128.bitselect(tail, f32x4.sub(splat(1.0), tail), f32x4.lt(x, splat(0.0)));
}

/** 1 / (1 + exp(-x)) per lane. */
@inline
export function sigmoid4(x: v128): v128 {
  const one = splat(1.0);
  return f32x4.div(one, f32x4.add(one, exp4(f32x4.neg(x))));
}

/**
 * Natural logarithm of a float64, within 2e-15 relative for normal positive numbers.
 *
 * x = 2^e m with m in [sqrt(1/2), sqrt 2); log m = 2 artanh((m - 1) / (m + 1)) as a power series.
 * Written here because the standard library's uses tables in static memory.
 */
export function log1(x: f64): f64 {
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
  // |s| <= 0.1716: the next term, s^21 / 21, is below 5e-18 of the first.
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
  return <f64>exponent * 0.6931471805599453 + 2 * s * series;
}

/** Elementwise functions for the accuracy tests: `y[i] = f(x[i])`, count a multiple of 4. */
export function mapExp(x: usize, y: usize, count: usize): void {
  for (let i: usize = 0; i < count << 2; i += 16) v128.store(y + i, exp4(v128.load(x + i)));
}

export function mapNormalCdf(x: usize, y: usize, count: usize): void {
  for (let i: usize = 0; i < count << 2; i += 16) {
    const v = v128.load(x + i);
    v128.store(y + i, normalCdf4(v, gaussian4(v)));
  }
}
