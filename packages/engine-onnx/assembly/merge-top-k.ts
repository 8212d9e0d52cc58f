import { loadPart } from './lanes';
import { rowAt } from './scaled-rows';

/**
 * The k largest of each list and of its `count` scores; scores (rows, columns), lists (lists, k) descending
 * with the columns' numbers, which begin at `start`. A score equal to one of the list comes after it.
 * `start` and `count` point at int32 numbers, `belongs` at the list of each row, or nowhere (0) where row i is of
 * list i; a row of a negative list is left out. Outputs may be the inputs of the same name.
 *
 * Almost all scores are below the last of the list: sixteen of them are compared with it at a time.
 */
export function mergeTopK(
  values: usize, indices: usize, scores: usize, start: usize, count: usize, belongs: usize,
  outValues: usize, outIndices: usize, lists: usize, rows: usize, columns: usize, k: usize,
): void {
  const list = k << 2;
  if (values != outValues) memory.copy(outValues, values, lists * list);
  if (indices != outIndices) memory.copy(outIndices, indices, lists * list);
  const first = load<i32>(start);
  const bytes = min(<usize>max(load<i32>(count), 0), columns) << 2;
  const whole = bytes & ~63;
  const quads = bytes & ~15;
  for (let row: usize = 0; row < rows; row++) {
    const at = rowAt(belongs, row);
    if (<i32>at < 0) continue;
    const top = outValues + at * list;
    const numbers = outIndices + at * list;
    const bottom = list - 4;
    const x = scores + row * (columns << 2);
    let limit = v128.load32_splat(top + bottom);
    let j: usize = 0;
    for (; j < whole; j += 64) {
      const a = f32x4.gt(v128.load(x + j), limit);
      const b = f32x4.gt(v128.load(x + j, 16), limit);
      const c = f32x4.gt(v128.load(x + j, 32), limit);
      const d = f32x4.gt(v128.load(x + j, 48), limit);
      if (!v128.any_true(v128.or(v128.or(a, b), v128.or(c, d)))) continue;
      const larger = i32x4.bitmask(a) | (i32x4.bitmask(b) << 4) | (i32x4.bitmask(c) << 8) | (i32x4.bitmask(d) << 12);
      limit = insertLarger(larger, x + j, top, numbers, bottom, first + <i32>(j >> 2));
    }
    for (; j < quads; j += 16) {
      const larger = i32x4.bitmask(f32x4.gt(v128.load(x + j), limit));
      if (larger) limit = insertLarger(larger, x + j, top, numbers, bottom, first + <i32>(j >> 2));
    }
    if (j < bytes) {
      const part = (bytes - j) >> 2;
      const larger = i32x4.bitmask(f32x4.gt(loadPart(x + j, part), limit)) & ((1 << <i32>part) - 1);
      if (larger) insertLarger(larger, x + j, top, numbers, bottom, first + <i32>(j >> 2));
    }
  }
}

/** Insert the scores whose bits are set, and answer the list's new last value in all lanes. */
function insertLarger(bits: i32, x: usize, top: usize, numbers: usize, bottom: usize, number: i32): v128 {
  for (let larger = bits; larger; larger &= larger - 1) {
    const lane = ctz(larger);
    const score = load<f32>(x + (<usize>lane << 2));
    // An insertion before this one may have raised the last value.
    if (score > load<f32>(top + bottom)) insert(score, number + lane, top, numbers, bottom);
  }
  return v128.load32_splat(top + bottom);
}

/** Move smaller values one place down and put the score in front of them. */
function insert(score: f32, number: i32, top: usize, numbers: usize, bottom: usize): void {
  let at = bottom;
  for (; at >= 16; at -= 16) {
    const four = v128.load(top + at - 16);
    // The list descends: if the first of four is smaller, all are.
    if (!(f32x4.extract_lane(four, 0) < score)) break;
    const fourNumbers = v128.load(numbers + at - 16);
    v128.store(top + at - 12, four);
    v128.store(numbers + at - 12, fourNumbers);
  }
  for (; at > 0 && load<f32>(top + at - 4) < score; at -= 4) {
    store<f32>(top + at, load<f32>(top + at - 4));
    store<i32>(numbers + at, load<i32>(numbers + at - 4));
  }
  store<f32>(top + at, score);
  store<i32>(numbers + at, number);
}
