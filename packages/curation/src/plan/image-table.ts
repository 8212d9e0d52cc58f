import type { TableData } from '../tables';
import type { Vectors } from '../vectors/vectors';

/** A set of a plan, and which numbers its images have. */
export interface ImageSet {
  readonly name: string;
  readonly role: 'source' | 'query' | 'heldOut';
  readonly path: string;
  /** Images that the set names. */
  readonly found: number;
  /** Of these, how many could not be read. */
  readonly unreadable: number;
  /** Number of its first image. */
  readonly first: number;
  /** Images that could be read. */
  readonly images: number;
}

/** Everything that is known of the images of a run but their pixels. */
export interface ImageTable {
  /** Tells the images, their columns and embeddings. */
  readonly key: string;
  readonly sets: readonly ImageSet[];
  /** Images of all sets. */
  readonly images: number;
  /** Path of `images.parquet`. */
  readonly path: string;
  /** Embeddings by number of image. */
  readonly vectors: Vectors;
  /** Columns of `images.parquet`, by number of image. */
  columns(names: readonly string[]): Promise<TableData>;
}

/** The images of some rows in place of all. */
export function selectVectors(vectors: Vectors, rows: Uint32Array): Vectors {
  return {
    rows: rows.length,
    columns: vectors.columns,
    read: (first, count) => vectors.gather(rows.subarray(first, first + count)),
    gather: (wanted) => vectors.gather(wanted.map((row) => rows[row]!)),
    // They belong to the table.
    close: async () => {},
  };
}

/** Numbers of the images of sets with a role, ascending. */
export function numbersOf(sets: readonly ImageSet[], fits: (set: ImageSet) => boolean): Uint32Array {
  const chosen = sets.filter(fits);
  const numbers = new Uint32Array(chosen.reduce((sum, { images }) => sum + images, 0));
  let to = 0;
  for (const { first, images } of chosen) for (let i = 0; i < images; i++) numbers[to++] = first + i;
  return numbers;
}

/** The set that an image belongs to. */
export function setOf(sets: readonly ImageSet[], id: number): ImageSet {
  let [low, high] = [0, sets.length - 1];
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if (sets[middle]!.first <= id) low = middle;
    else high = middle - 1;
  }
  return sets[low]!;
}
