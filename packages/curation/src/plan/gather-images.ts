import { existsSync } from 'node:fs';
import { readdir, rm, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { hashOf } from '../hashes/hash-of';
import {
  type ColumnType, type ColumnValues, numbers, openParquetVectors, openTable, readTable, type ScalarType, strings, type TableColumn, type TableSchema, writeTableInParts,
} from '../tables';
import { openNpy } from '../vectors/open-npy';
import { writeNpy } from '../vectors/write-npy';
import { hashFile } from './hash-file';
import type { ImageSet, ImageTable } from './image-table';
import { readJson, runFiles, writeJson } from './run-files';
import type { EmbedSettings } from './schema';

/** A set whose embeddings lie in a folder. */
export interface EmbeddedSet extends Pick<ImageSet, 'name' | 'role' | 'path' | 'found' | 'unreadable'> {
  readonly folder: string;
  /** Whether no other shard has anything left to embed. */
  readonly complete: boolean;
}

/** What was made of the embeddings, kept beside `images.parquet`. */
interface Stamp {
  readonly inputs: string;
  readonly key: string;
  readonly sets: readonly ImageSet[];
}

/** Rows that are copied at once. */
const BLOCK = 4096;
/** Columns whose kind is not told by the values of one part. */
const knownColumns: TableSchema = {
  id: { type: 'uint32' },
  set: { type: 'string' },
  role: { type: 'string' },
  path: { type: 'string' },
  offset: { type: 'int64', nullable: true },
  length: { type: 'int64', nullable: true },
};

/**
 * Put the parts of all sets together: `images.parquet`, with a row for each image, and `vectors.npy`, whose rows are in
 * the same order and are quickly read at random. Made once for the same parts.
 */
export async function gatherImages(out: string, sets: readonly EmbeddedSet[], extractorKey: string, precision: EmbedSettings['precision']): Promise<ImageTable> {
  const [path, vectorPath, stampPath] = [runFiles.images, runFiles.vectors, runFiles.imagesStamp].map((name) => join(out, name)) as [string, string, string];
  const parts = await Promise.all(sets.map(async ({ folder }) => partFiles(folder)));
  const inputs = hashOf(
    sets.map(({ name, role, path, found, unreadable }) => [name, role, path, found, unreadable]),
    extractorKey,
    await Promise.all(parts.flat().map(async (part) => stat(part).then(({ size, mtimeMs }) => [size, mtimeMs]))),
  );
  let stamp = readJson<Stamp>(stampPath);
  if (stamp?.inputs !== inputs || !existsSync(path) || !existsSync(vectorPath)) {
    await rm(stampPath, { force: true });
    const numbered = await writeImages(path, sets);
    await writeVectors(vectorPath, sets, precision);
    stamp = { inputs, key: hashOf(extractorKey, precision, await hashFile(path)), sets: numbered };
    await writeJson(stampPath, stamp);
  }
  const vectors = await openNpy(vectorPath);
  return {
    key: stamp.key,
    sets: stamp.sets,
    images: vectors.rows,
    path,
    vectors,
    columns: (names) => readTable(path, names),
  };
}

/** Parts of a folder of embeddings, in order. */
const partFiles = async (folder: string): Promise<string[]> =>
  (await readdir(folder)).filter((name) => /^part-\d+\.parquet$/.test(name)).sort().map((name) => join(folder, name));

async function writeImages(path: string, sets: readonly EmbeddedSet[]): Promise<ImageSet[]> {
  const tables = await Promise.all(sets.map(({ folder }) => openTable(folder)));
  try {
    const own = tables[0]!.names.filter((name) => name !== 'embedding' && !(name in knownColumns));
    const wanted = ['path', 'offset', 'length', ...own];
    const sample = await tables[0]!.read({ columns: own, first: 0, count: Math.min(1, tables[0]!.rows) });
    const schema: TableSchema = { ...knownColumns, ...Object.fromEntries(own.map((name) => [name, kindOf(sample.columns[name]!)])) };
    const numbered: ImageSet[] = [];
    let id = 0;
    await writeTableInParts(path, schema, async (append) => {
      for (const [i, { name, role, path, found, unreadable }] of sets.entries()) {
        const first = id;
        for await (const block of tables[i]!.blocks({ columns: wanted })) {
          const start = id;
          await append({
            id: Uint32Array.from({ length: block.rows }, (_, row) => start + row),
            set: Array.from({ length: block.rows }, () => name),
            role: Array.from({ length: block.rows }, () => role),
            path: strings(block, 'path'),
            offset: { type: 'int64', values: numbers(block, 'offset') },
            length: { type: 'int64', values: numbers(block, 'length') },
            ...Object.fromEntries(own.map((column) => [column, block.columns[column] as TableColumn])),
          });
          id += block.rows;
        }
        numbered.push({ name, role, path, found, unreadable, first, images: id - first });
      }
    });
    return numbered;
  } finally {
    await Promise.all(tables.map((table) => table.close()));
  }
}

/** How values that were read are written again. */
function kindOf(values: ColumnValues): ColumnType {
  if (!ArrayBuffer.isView(values)) return { type: Array.isArray(values) && typeof values[0] === 'boolean' ? 'boolean' : 'string', nullable: true };
  // Uint32Array, BigUint64Array, …
  return { type: values.constructor.name.replace(/^Big|Array$/g, '').toLowerCase() as ScalarType };
}

async function writeVectors(path: string, sets: readonly EmbeddedSet[], precision: EmbedSettings['precision']): Promise<void> {
  // What a process that was killed left under its own name.
  for (const name of await readdir(dirname(path))) if (name.startsWith(`${basename(path)}.`)) await rm(join(dirname(path), name));
  let writer: Awaited<ReturnType<typeof writeNpy>> | undefined;
  try {
    for (const { folder } of sets) {
      const vectors = await openParquetVectors(folder);
      try {
        writer ??= await writeNpy(path, vectors.columns, precision);
        for (let first = 0; first < vectors.rows; first += BLOCK) await writer.append(await vectors.read(first, Math.min(BLOCK, vectors.rows - first)));
      } finally {
        await vectors.close();
      }
    }
    await writer!.close();
  } catch (error) {
    await writer?.abort();
    throw error;
  }
}
