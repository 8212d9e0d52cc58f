// Products of one row with a few others, in float32.

const LANES: usize = 16;

/** The sum of products of two rows of `columns` numbers, a multiple of four. */
@inline
function dot(a: usize, b: usize, columns: usize): f32 {
  let sum0 = f32x4.splat(0);
  let sum1 = f32x4.splat(0);
  let sum2 = f32x4.splat(0);
  let sum3 = f32x4.splat(0);
  const end = a + columns * 4;
  for (const whole = a + (columns / LANES) * LANES * 4; a < whole; a += 64, b += 64) {
    sum0 = f32x4.add(sum0, f32x4.mul(v128.load(a), v128.load(b)));
    sum1 = f32x4.add(sum1, f32x4.mul(v128.load(a, 16), v128.load(b, 16)));
    sum2 = f32x4.add(sum2, f32x4.mul(v128.load(a, 32), v128.load(b, 32)));
    sum3 = f32x4.add(sum3, f32x4.mul(v128.load(a, 48), v128.load(b, 48)));
  }
  for (; a < end; a += 16, b += 16) sum0 = f32x4.add(sum0, f32x4.mul(v128.load(a), v128.load(b)));
  const sum = f32x4.add(f32x4.add(sum0, sum1), f32x4.add(sum2, sum3));
  return f32x4.extract_lane(sum, 0) + f32x4.extract_lane(sum, 1) + (f32x4.extract_lane(sum, 2) + f32x4.extract_lane(sum, 3));
}

/** Products of the row at `row` with the rows of a table whose numbers are at `list`, to `scores`. */
export function scores(row: usize, table: usize, columns: usize, list: usize, count: usize, scores: usize): void {
  for (let i: usize = 0; i < count; i++) {
    const other = table + <usize>load<u32>(list + 4 * i) * columns * 4;
    store<f32>(scores + 4 * i, dot(row, other, columns));
  }
}
