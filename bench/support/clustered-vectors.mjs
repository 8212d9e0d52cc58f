import { createRandom } from '@dinov2/primitives';

/** Centres that rows scatter around, and how much of a row is its centre: two rows of one centre have a cosine of 0.36. */
const CENTRES = 2000;
const SHARE_OF_CENTRE = 0.6;
/** Share of rows that are near-copies of an earlier row, and their cosines to it. */
const COPIES = 0.25;
const COPY_COSINES = [0.55, 0.99];

/**
 * Made-up embeddings: unit rows around 2000 centres whose frequencies follow Zipf's law, a quarter of them near-copies of
 * other rows. (rows, columns) float32, the same for one seed.
 */
export function clusteredVectors(rows, columns, seed = 0) {
  const random = createRandom(seed);
  // Sums of four uniform numbers: near enough to normal, and a fraction of its cost for 10^8 numbers.
  const noise = () => (random.bits() + random.bits() + random.bits() + random.bits()) / 2 ** 32 - 2;
  const unit = (row) => {
    let square = 0;
    for (let i = 0; i < columns; i++) square += row[i] * row[i];
    const scale = 1 / Math.sqrt(square);
    for (let i = 0; i < columns; i++) row[i] *= scale;
    return row;
  };
  const direction = new Float64Array(columns);
  const draw = () => {
    for (let i = 0; i < columns; i++) direction[i] = noise();
    return unit(direction);
  };
  const centres = Array.from({ length: CENTRES }, () => Float32Array.from(draw()));
  const frequencies = new Float64Array(CENTRES);
  let total = 0;
  for (let i = 0; i < CENTRES; i++) frequencies[i] = total += 1 / (i + 1);
  const centre = () => {
    const value = random.uniform(0, total);
    let [low, high] = [0, CENTRES - 1];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (frequencies[middle] > value) high = middle;
      else low = middle + 1;
    }
    return centres[low];
  };
  const data = new Float32Array(rows * columns);
  for (let row = 0; row < rows; row++) {
    const copied = row > 0 && random.uniform() < COPIES;
    const cosine = copied ? random.uniform(...COPY_COSINES) : SHARE_OF_CENTRE;
    const base = copied ? random.integer(row) : undefined;
    const from = base === undefined ? centre() : data.subarray(base * columns, (base + 1) * columns);
    const other = draw();
    const sine = Math.sqrt(1 - cosine * cosine);
    const target = data.subarray(row * columns, (row + 1) * columns);
    for (let i = 0; i < columns; i++) target[i] = cosine * from[i] + sine * other[i];
    unit(target);
  }
  return data;
}
