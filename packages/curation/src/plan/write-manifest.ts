import { join } from 'node:path';
import { atomicWrite } from '@dinov2/weights';
import { readTable, type TableSchema, writeTableInParts } from '../tables';
import type { Decisions } from './decisions';
import { type ImageTable, numbersOf } from './image-table';
import { runFiles } from './run-files';

/** Counts of a manifest. */
export interface ManifestCounts {
  /** Different images. */
  readonly images: number;
  /** Lines: an image taken t times stands t times. */
  readonly rows: number;
  /** Lines of each set. */
  readonly sets: Readonly<Record<string, number>>;
}

const schema: TableSchema = {
  id: { type: 'uint32' },
  source: { type: 'string' },
  path: { type: 'string' },
  offset: { type: 'int64', nullable: true },
  length: { type: 'int64', nullable: true },
  width: { type: 'uint32' },
  height: { type: 'uint32' },
};

/** Rows that are written at once. */
const BLOCK = 65_536;

/**
 * Write the chosen images, and the query sets taken as they are, in order of number, as Parquet and as lines of JSON:
 * `dinov2-pretrain --data` takes both.
 */
export async function writeManifest(out: string, images: ImageTable, final: Pick<Decisions, 'ids' | 'times'>, asIs: readonly string[]): Promise<ManifestCounts> {
  const queries = numbersOf(images.sets, ({ role, name }) => role === 'query' && asIs.includes(name));
  // Sources are numbered before query sets.
  const ids = [...repeated(final), ...queries];
  const { columns } = await readTable(images.path, ['set', 'path', 'offset', 'length', 'width', 'height']);
  const sets: Record<string, number> = {};
  const number = (value: unknown) => (value === null || value === undefined ? null : Number(value));
  const row = (id: number) => {
    const value = (name: string) => (columns[name] as ArrayLike<unknown>)[id];
    const source = value('set') as string;
    const [offset, length] = [number(value('offset')), number(value('length'))];
    return { id, source, path: value('path') as string, offset, length, width: Number(value('width')), height: Number(value('height')) };
  };
  await writeTableInParts(join(out, runFiles.manifest), schema, async (append) => {
    for (let first = 0; first < ids.length; first += BLOCK) {
      const rows = ids.slice(first, first + BLOCK).map(row);
      for (const { source } of rows) sets[source] = (sets[source] ?? 0) + 1;
      await append({
        id: Uint32Array.from(rows, ({ id }) => id),
        source: rows.map(({ source }) => source),
        path: rows.map(({ path }) => path),
        offset: { type: 'int64', values: rows.map(({ offset }) => offset) },
        length: { type: 'int64', values: rows.map(({ length }) => length) },
        width: Uint32Array.from(rows, ({ width }) => width),
        height: Uint32Array.from(rows, ({ height }) => height),
      });
    }
  });
  await atomicWrite(join(out, runFiles.manifestLines), async (file) => {
    for (let first = 0; first < ids.length; first += BLOCK) {
      const lines = ids.slice(first, first + BLOCK).map((id) => {
        const { offset, length, ...rest } = row(id);
        return `${JSON.stringify({ ...rest, ...(offset !== null && { offset, length }) })}\n`;
      });
      await file.write(lines.join(''));
    }
  });
  return { images: final.ids.length + queries.length, rows: ids.length, sets };
}

function* repeated({ ids, times }: Pick<Decisions, 'ids' | 'times'>): Generator<number> {
  for (let i = 0; i < ids.length; i++) for (let t = 0; t < times[i]!; t++) yield ids[i]!;
}
