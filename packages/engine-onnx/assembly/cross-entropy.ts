import { loadPart, partMask, storePart } from './lanes';
import { exp2, exp2Lane, log2Of, LOG2E, maxLanes, splat, sumLanes } from './simd-math';

/** Bytes of a row that stay in the first-level cache between the search of the maximum and the sum. */
const BLOCK: usize = 8192;

/** Below every finite logit, and finite: the difference from a logit of -inf is then -inf, not NaN. */
const LOWEST: f32 = -3e38;

/**
 * loss (R) = -sum_k t_k log softmax(s / temperature)_k and lse (R) = log sum_k exp(s_k / temperature), for
 * student (R, K) and teacher (T, K), student row r with teacher row r mod T. Each row is read from memory once.
 */
export function crossEntropy(
  student: usize, teacher: usize, loss: usize, lse: usize,
  rows: usize, teacherRows: usize, columns: usize, temperature: f64,
): void {
  const stride = columns << 2;
  // Rows of one teacher follow each other, so that it stays in the cache.
  for (let t: usize = 0; t < teacherRows; t++) {
    for (let r = t; r < rows; r += teacherRows) {
      crossEntropyRow(student + r * stride, teacher + t * stride, loss + (r << 2), lse + (r << 2), stride, temperature);
    }
  }
}

function maximum(x: usize, bytes: usize): f32 {
  const whole = bytes & ~15;
  const pairs = bytes & ~31;
  let a = splat(LOWEST), b = a;
  let j: usize = 0;
  for (; j < pairs; j += 32) {
    a = f32x4.pmax(a, v128.load(x + j));
    b = f32x4.pmax(b, v128.load(x + j, 16));
  }
  if (j < whole) a = f32x4.pmax(a, v128.load(x + j));
  let top = maxLanes(f32x4.pmax(a, b));
  for (j = whole; j < bytes; j += 4) {
    const value = load<f32>(x + j);
    if (value > top) top = value;
  }
  return top;
}

function crossEntropyRow(student: usize, teacher: usize, loss: usize, lse: usize, bytes: usize, temperature: f64): void {
  const factor = <f32>(LOG2E / temperature);
  // Rounded as the exponents are, so that both terms of the loss belong to one temperature.
  const inverse = <f64>factor / LOG2E;
  const scale = splat(factor);
  // In powers of two: the largest exponent so far, and the sum of 2^(exponent - largest).
  let largest: f32 = LOWEST;
  let sum: f64 = 0;
  let teacherSum: f64 = 0;
  let product: f64 = 0;
  for (let start: usize = 0; start < bytes; start += BLOCK) {
    const size = min(BLOCK, bytes - start);
    const s = student + start;
    const t = teacher + start;
    const top = max<f32>(largest, maximum(s, size) * factor);
    if (top > largest) {
      sum *= <f64>exp2Lane(largest - top);
      largest = top;
    }
    const shift = splat(top);
    const whole = size & ~15;
    const pairs = size & ~31;
    let e0 = splat(0), e1 = e0, t0 = e0, t1 = e0, p0 = e0, p1 = e0;
    let j: usize = 0;
    for (; j < pairs; j += 32) {
      const s0 = v128.load(s + j);
      const s1 = v128.load(s + j, 16);
      const q0 = v128.load(t + j);
      const q1 = v128.load(t + j, 16);
      e0 = f32x4.add(e0, exp2(f32x4.sub(f32x4.mul(s0, scale), shift)));
      e1 = f32x4.add(e1, exp2(f32x4.sub(f32x4.mul(s1, scale), shift)));
      t0 = f32x4.add(t0, q0);
      t1 = f32x4.add(t1, q1);
      p0 = f32x4.add(p0, f32x4.mul(s0, q0));
      p1 = f32x4.add(p1, f32x4.mul(s1, q1));
    }
    if (j < whole) {
      const s0 = v128.load(s + j);
      const q0 = v128.load(t + j);
      e0 = f32x4.add(e0, exp2(f32x4.sub(f32x4.mul(s0, scale), shift)));
      t0 = f32x4.add(t0, q0);
      p0 = f32x4.add(p0, f32x4.mul(s0, q0));
    }
    if (whole < size) {
      const rest = (size - whole) >> 2;
      const s0 = loadPart(s + whole, rest);
      const q0 = loadPart(t + whole, rest);
      const e = exp2(f32x4.sub(f32x4.mul(s0, scale), shift));
      e1 = f32x4.add(e1, v128.and(e, partMask(rest)));
      t1 = f32x4.add(t1, q0);
      p1 = f32x4.add(p1, f32x4.mul(s0, q0));
    }
    sum += sumLanes(f32x4.add(e0, e1));
    teacherSum += sumLanes(f32x4.add(t0, t1));
    product += sumLanes(f32x4.add(p0, p1));
  }
  const logSum = (<f64>largest + log2Of(sum)) / LOG2E;
  store<f32>(lse, <f32>logSum);
  store<f32>(loss, <f32>(teacherSum * logSum - product * inverse));
}

/**
 * dstudent = dloss_r / temperature (softmax(s / temperature) sum_k t_k - t). dstudent may be student.
 * Rows with dloss = 0 (padding) become 0 without a look at their logits.
 */
export function crossEntropyGrad(
  student: usize, teacher: usize, lse: usize, dloss: usize, dstudent: usize,
  rows: usize, teacherRows: usize, columns: usize, temperature: f64,
): void {
  const stride = columns << 2;
  const factor = <f32>(LOG2E / temperature);
  for (let t: usize = 0; t < teacherRows; t++) {
    const teacherRow = teacher + t * stride;
    let teacherSum: f64 = NaN;
    for (let r = t; r < rows; r += teacherRows) {
      const weight = <f64>load<f32>(dloss + (r << 2)) / temperature;
      const out = dstudent + r * stride;
      if (weight == 0) {
        memory.fill(out, 0, stride);
        continue;
      }
      if (isNaN(teacherSum)) teacherSum = sumRow(teacherRow, stride);
      const shift = <f32>(<f64>load<f32>(lse + (r << 2)) * LOG2E);
      gradientRow(student + r * stride, teacherRow, out, stride, factor, shift, <f32>(weight * teacherSum), <f32>weight);
    }
  }
}

function sumRow(x: usize, bytes: usize): f64 {
  let total: f64 = 0;
  const whole = bytes & ~63;
  for (let start: usize = 0; start < whole; start += BLOCK) {
    const end = min(start + BLOCK, whole);
    let a = splat(0), b = a, c = a, d = a;
    for (let j = start; j < end; j += 64) {
      a = f32x4.add(a, v128.load(x + j));
      b = f32x4.add(b, v128.load(x + j, 16));
      c = f32x4.add(c, v128.load(x + j, 32));
      d = f32x4.add(d, v128.load(x + j, 48));
    }
    total += sumLanes(f32x4.add(f32x4.add(a, b), f32x4.add(c, d)));
  }
  for (let j = whole; j < bytes; j += 4) total += <f64>load<f32>(x + j);
  return total;
}

/** out = 2^(factor s - shift) a - b t. */
function gradientRow(
  student: usize, teacher: usize, out: usize, bytes: usize, factor: f32, shift: f32, a: f32, b: f32,
): void {
  const scale = splat(factor);
  const offset = splat(shift);
  const forSoftmax = splat(a);
  const forTeacher = splat(b);
  const whole = bytes & ~15;
  const pairs = bytes & ~31;
  let j: usize = 0;
  for (; j < pairs; j += 32) {
    const e0 = exp2(f32x4.sub(f32x4.mul(v128.load(student + j), scale), offset));
    const e1 = exp2(f32x4.sub(f32x4.mul(v128.load(student + j, 16), scale), offset));
    const t0 = f32x4.mul(v128.load(teacher + j), forTeacher);
    const t1 = f32x4.mul(v128.load(teacher + j, 16), forTeacher);
    v128.store(out + j, f32x4.sub(f32x4.mul(e0, forSoftmax), t0));
    v128.store(out + j, f32x4.sub(f32x4.mul(e1, forSoftmax), t1), 16);
  }
  if (j < whole) {
    const e = exp2(f32x4.sub(f32x4.mul(v128.load(student + j), scale), offset));
    v128.store(out + j, f32x4.sub(f32x4.mul(e, forSoftmax), f32x4.mul(v128.load(teacher + j), forTeacher)));
  }
  if (whole < bytes) {
    const rest = (bytes - whole) >> 2;
    const e = exp2(f32x4.sub(f32x4.mul(loadPart(student + whole, rest), scale), offset));
    const t = f32x4.mul(loadPart(teacher + whole, rest), forTeacher);
    storePart(out + whole, f32x4.sub(f32x4.mul(e, forSoftmax), t), rest);
  }
}
