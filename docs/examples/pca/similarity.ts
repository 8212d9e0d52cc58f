import type { PatchFeatures } from './protocol';

/** Cosine similarity of one patch to every patch, (rows · columns,). */
export function similarityTo(patch: number, { data, rows, columns }: PatchFeatures): Float32Array {
  const count = rows * columns;
  const dimension = data.length / count;
  const products = new Float32Array(count);
  const lengths = new Float32Array(count);
  for (let other = 0; other < count; other++) {
    let product = 0;
    let squares = 0;
    for (let i = 0; i < dimension; i++) {
      const value = data[other * dimension + i]!;
      product += value * data[patch * dimension + i]!;
      squares += value * value;
    }
    products[other] = product;
    lengths[other] = Math.sqrt(squares);
  }
  return products.map((product, other) => product / Math.max(lengths[other]! * lengths[patch]!, Number.MIN_VALUE));
}
