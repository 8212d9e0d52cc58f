// Cosine similarity of one 8-bit vector to the rows of many images. Pointers are byte offsets.

/**
 * Of each image the patch most similar to the query.
 *
 * `patches` holds (images · count, stride) int8 rows, `inverseLengths` (images · count) float32, `query` (stride)
 * int16 values, zero beyond the vector; `stride` is a multiple of 16. Writes (images) similarities, without
 * the factor of the query's own length, and (images) numbers of patches.
 */
export function bestPatches(
  patches: usize, inverseLengths: usize, query: usize, images: i32, count: i32, stride: i32,
  similarities: usize, places: usize,
): void {
  let row = patches;
  let inverseLength = inverseLengths;
  for (let image = 0; image < images; image++) {
    let best: f32 = -Infinity;
    let place = 0;
    for (let patch = 0; patch < count; patch++) {
      let sum = i32x4.splat(0);
      for (let i = 0; i < stride; i += 16) {
        const values = v128.load(row + <usize>i);
        const at = query + (<usize>i << 1);
        // A product of two int8 fits 15 bits, so that sums of D products fit 32 bits up to D = 131 072.
        sum = i32x4.add(sum, i32x4.dot_i16x8_s(i16x8.extend_low_i8x16_s(values), v128.load(at)));
        sum = i32x4.add(sum, i32x4.dot_i16x8_s(i16x8.extend_high_i8x16_s(values), v128.load(at, 16)));
      }
      const product =
        i32x4.extract_lane(sum, 0) + i32x4.extract_lane(sum, 1) + i32x4.extract_lane(sum, 2) + i32x4.extract_lane(sum, 3);
      const similarity = <f32>product * load<f32>(inverseLength);
      if (similarity > best) {
        best = similarity;
        place = patch;
      }
      row += <usize>stride;
      inverseLength += 4;
    }
    store<f32>(similarities + (<usize>image << 2), best);
    store<i32>(places + (<usize>image << 2), place);
  }
}
