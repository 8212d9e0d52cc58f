import { createHash, randomBytes } from 'node:crypto';
import { mkdir, open, readFile, rename, rm, statfs, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createRandom } from '@dinov2/primitives';
import { CurationError } from '../error';
import { npyHeader } from '../vectors/npy-header';
import { openNpy } from '../vectors/open-npy';
import { unitRows } from '../vectors/unit-rows';
import type { Vectors } from '../vectors/vectors';
import { sphericalCentroids } from './centroids';
import { type Context, counting } from './comparer';
import { sampleRows } from './sample-rows';
import { TopLists } from './top-lists';
import { unitBlocks } from './unit-blocks';

/** Rows per partition that its centroid is learnt from. */
const SAMPLE_PER_PARTITION = 64;

/** Rows of a database ordered by partition: an inverted file whose lists are ranges of positions. */
export interface Partitions {
  /** (partitions, columns), of length 1. */
  readonly centroids: Float32Array;
  /** Partition p has the positions offsets[p] … offsets[p + 1] − 1. */
  readonly offsets: Uint32Array;
  /** Row at each position, (rows,). */
  readonly order: Uint32Array;
  /** The rows by position, of length 1. */
  readonly vectors: Vectors;
}

interface PartitionOptions extends Context {
  readonly partitions: number;
  readonly seed: number;
  /** Where the ordered rows are kept; those found there are used again. */
  readonly folder: string;
  readonly onDone: (rows: number) => void;
}

/**
 * Order a database by the nearest of some spherical centroids, which are learnt from a sample. Memory does not grow
 * with the rows but for eight bytes each; the file has the size of the database as float32.
 */
export async function partition(database: Vectors, options: PartitionOptions): Promise<Partitions> {
  const { partitions, seed, folder, signal } = options;
  const wanted = sampleRows(database.rows, partitions * SAMPLE_PER_PARTITION, createRandom(seed).fork('partitions'));
  const sample = await database.gather(wanted);
  const key = createHash('sha256')
    .update(JSON.stringify({ version: 1, rows: database.rows, columns: database.columns, partitions, seed }))
    .update(new Uint8Array(sample.buffer))
    .digest('hex')
    .slice(0, 16);
  const path = join(folder, `partitions-${key}`);
  const stored = await openPartitions(path).catch(() => undefined);
  if (stored) return stored;
  for (const [i, row] of wanted.entries()) {
    unitRows(sample.subarray(i * database.columns, (i + 1) * database.columns), { columns: database.columns, first: row, name: 'database' });
  }
  const centroids = await sphericalCentroids(sample, { ...options, columns: database.columns });
  signal?.throwIfAborted();
  const partial = `${path}.${randomBytes(4).toString('hex')}.partial`;
  await mkdir(partial, { recursive: true });
  try {
    await checkSpace(partial, 4 * database.rows * database.columns);
    await order(database, centroids, partial, options);
    // Another shard may have made the same in the meantime.
    await rename(partial, path).catch(async (error: NodeJS.ErrnoException) => {
      if (error.code !== 'ENOTEMPTY' && error.code !== 'EEXIST') throw error;
    });
  } finally {
    await rm(partial, { recursive: true, force: true });
  }
  return openPartitions(path);
}

async function openPartitions(path: string): Promise<Partitions> {
  const [centroids, offsets, order] = await Promise.all(
    ['centroids', 'offsets', 'order'].map(async (name) => {
      const { buffer, byteOffset, byteLength } = await readFile(join(path, name));
      return buffer.slice(byteOffset, byteOffset + byteLength);
    }),
  );
  return {
    centroids: new Float32Array(centroids!),
    offsets: new Uint32Array(offsets!),
    order: new Uint32Array(order!),
    vectors: await openNpy(join(path, 'rows.npy')),
  };
}

/** Write the files of {@link Partitions}. */
async function order(database: Vectors, centroids: Float32Array, folder: string, { engine, partitions, signal, onDone }: PartitionOptions): Promise<void> {
  const { rows, columns } = database;
  const nearest = new Uint32Array(rows);
  const offsets = new Uint32Array(partitions + 1);
  const lists = new TopLists(engine, { columns, k: 1, floor: -Infinity, signal });
  try {
    for await (const { data, first, count } of unitBlocks(database, 'database')) {
      signal?.throwIfAborted();
      lists.begin(data);
      await lists.add(centroids, 0, counting(count));
      const { indices } = await lists.finish();
      nearest.set(indices, first);
      for (const index of indices) offsets[index + 1]!++;
      onDone((first + count) / 2);
    }
  } finally {
    lists.dispose();
  }
  for (let i = 0; i < partitions; i++) offsets[i + 1]! += offsets[i]!;
  const positions = new Uint32Array(rows);
  const header = npyHeader({ precision: 'float32', rows, columns });
  const file = await open(join(folder, 'rows.npy'), 'w');
  try {
    await file.write(header);
    const next = offsets.slice(0, partitions);
    for await (const { data, first, count } of unitBlocks(database, 'database')) {
      signal?.throwIfAborted();
      const sorted = new Float32Array(data.length);
      const local = counting(count).sort((a, b) => nearest[first + a]! - nearest[first + b]! || a - b);
      for (const [at, row] of local.entries()) sorted.set(data.subarray(row * columns, (row + 1) * columns), at * columns);
      // Rows of one partition stand together: one write each.
      for (let at = 0; at < count; ) {
        const partition = nearest[first + local[at]!]!;
        const begin = at;
        const position = next[partition]!;
        for (; at < count && nearest[first + local[at]!] === partition; at++) positions[next[partition]!++] = first + local[at]!;
        const bytes = new Uint8Array(sorted.buffer, 4 * begin * columns, 4 * (at - begin) * columns);
        await file.write(bytes, 0, bytes.length, header.length + 4 * position * columns);
      }
      onDone((rows + first + count) / 2);
    }
  } finally {
    await file.close();
  }
  for (const [name, data] of Object.entries({ centroids, offsets, order: positions })) {
    await writeFile(join(folder, name), new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
  }
}

async function checkSpace(folder: string, bytes: number): Promise<void> {
  const { bavail, bsize } = await statfs(folder);
  if (bytes <= bavail * bsize) return;
  const gigabytes = (size: number) => `${(size / 1e9).toFixed(1)} GB`;
  throw new CurationError(
    `the rows ordered by partition take ${gigabytes(bytes)} and ${folder} has ${gigabytes(bavail * bsize)} left; choose another scratch folder`,
  );
}
