import { createRandom } from '@dinov2/primitives';
import { unitRows } from '../vectors/unit-rows';
import { type Context, counting } from './comparer';
import { sampleRows } from './sample-rows';
import { TopLists } from './top-lists';

/** Rounds after which partitions hardly change. */
const ITERATIONS = 8;

/**
 * Spherical k-means of a sample of unit rows, from rows drawn by chance: centroids of length 1, (partitions, columns).
 *
 * Rough on purpose: `kmeans`, with its seeds and exact sums, takes twice as long to the same mean cosine.
 */
export async function sphericalCentroids(
  sample: Float32Array,
  { engine, columns, partitions, seed, signal }: Context & { readonly columns: number; readonly partitions: number; readonly seed: number },
): Promise<Float32Array> {
  const rows = sample.length / columns;
  const random = createRandom(seed).fork('centroids');
  const centroids = new Float32Array(partitions * columns);
  const copyRow = (row: number, to: number) => centroids.set(sample.subarray(row * columns, (row + 1) * columns), to * columns);
  sampleRows(rows, partitions, random).forEach(copyRow);
  const lists = new TopLists(engine, { columns, k: 1, floor: -Infinity, signal });
  try {
    for (let i = 0; i < ITERATIONS; i++) {
      lists.begin(sample);
      await lists.add(centroids, 0, counting(rows));
      const { indices } = await lists.finish();
      const sums = new Float64Array(centroids.length);
      const sizes = new Uint32Array(partitions);
      for (const [row, centroid] of indices.entries()) {
        sizes[centroid]!++;
        for (let j = 0; j < columns; j++) sums[centroid * columns + j]! += sample[row * columns + j]!;
      }
      centroids.set(sums);
      sizes.forEach((size, centroid) => {
        const part = centroids.subarray(centroid * columns, (centroid + 1) * columns);
        // One that lost all its rows, or whose rows cancel, begins again at another row.
        if (size === 0 || part.every((value) => value === 0)) copyRow(random.integer(rows), centroid);
        else unitRows(part, { columns, first: centroid, name: 'centroids' });
      });
    }
  } finally {
    lists.dispose();
  }
  return centroids;
}
