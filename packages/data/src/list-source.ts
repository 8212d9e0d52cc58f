import { readFileSync } from 'node:fs';
import { dirname, extname, resolve } from 'node:path';
import { CsvError, parse } from 'csv-parse/sync';
import type { Dataset } from './dataset';
import { DataError } from './error';
import { readParquetColumns } from './parquet-columns';
import { sortLabels } from './sort-labels';
import type { Span } from './source';

/** What a list says of one image. */
interface Entry {
  readonly path: string;
  readonly labels: readonly string[];
  readonly mask?: string;
  readonly depth?: string;
  readonly span?: Span;
}

/**
 * Images named in a file, in its order. Relative paths start from the list's own folder.
 *
 * - `.txt`: one path per line.
 * - `.csv`: a header with `path` and any of `label`, `mask`, `depth`, `offset` and `length`, other columns ignored;
 *   or no header and `path` or `path,label` per line. Empty cells say nothing.
 * - `.jsonl`: one object per line with the same keys. `label` is text, a number or a list of these, for
 *   images that show several classes.
 * - `.parquet`: columns of these names, others ignored; null says nothing.
 *
 * `offset` and `length` are the bytes of the file that are the image, such as a member of a tar file.
 *
 * Classes are the distinct labels, sorted (by value when all are whole numbers).
 *
 * @throws DataError when the file is missing, of another kind, empty, or a line cannot be read.
 */
export function openList(file: string): Dataset {
  const read = readers[extname(file).toLowerCase()];
  if (read === undefined) {
    throw new DataError(`${file} is no list of images; pass a .txt, .csv, .jsonl, .parquet or .tar file, or a folder`);
  }
  const { entries, multiLabelled = false } = read(file);
  if (entries.length === 0) throw new DataError(`no images are named in ${file}`);

  const base = dirname(resolve(file));
  const locate = (path: string | undefined) => (path === undefined ? undefined : resolve(base, path));
  const classes = sortLabels([...new Set(entries.flatMap(({ labels }) => labels))]);
  const codes = new Map(classes.map((name, i) => [name, i]));
  const multiLabels = entries.map(({ labels }) => labels.map((label) => codes.get(label)!));
  return {
    paths: entries.map(({ path }) => resolve(base, path)),
    labels: Int32Array.from(multiLabels, ([first = -1]) => first),
    classes,
    ...(multiLabelled && { multiLabels }),
    ...(entries.some(({ span }) => span !== undefined) && { spans: entries.map(({ span }) => span) }),
    ...(entries.some(({ mask }) => mask !== undefined) && { masks: entries.map(({ mask }) => locate(mask)) }),
    ...(entries.some(({ depth }) => depth !== undefined) && { depths: entries.map(({ depth }) => locate(depth)) }),
  };
}

function readText(file: string): string {
  try {
    return readFileSync(file, 'utf8').replace(/^\uFEFF/, '');
  } catch (cause) {
    throw new DataError(`cannot read the list ${file}: ${(cause as Error).message}`, { cause });
  }
}

interface Entries {
  readonly entries: readonly Entry[];
  /** Whether labels were given as lists. */
  readonly multiLabelled?: boolean;
}

const readers: Readonly<Record<string, (file: string) => Entries>> = {
  '.txt': (file) => ({ entries: linesOf(readText(file)).map(({ text }) => ({ path: text.trim(), labels: [] })) }),
  '.csv': readCsv,
  '.jsonl': readJsonLines,
  '.parquet': readParquet,
};

function linesOf(text: string): { text: string; line: number }[] {
  return text
    .split(/\r?\n/)
    .map((text, i) => ({ text, line: i + 1 }))
    .filter(({ text }) => text.trim() !== '');
}

const columnNames = ['path', 'label', 'mask', 'depth', 'offset', 'length'] as const;

function readCsv(file: string): Entries {
  const rows = parseCsv(readText(file), file);
  const names = (rows[0]?.cells ?? []).map((cell) => cell.toLowerCase());
  const hasHeader = names.some((name) => columnNames.includes(name as 'path'));
  if (hasHeader && !names.includes('path')) {
    throw new DataError(`${file}:1 names columns but not "path"; expected a header like path,label,mask,depth`);
  }
  const columns = hasHeader ? names : ['path', 'label'];
  const entries = rows.slice(hasHeader ? 1 : 0).map(({ cells, line }): Entry => {
    const cell = (name: string) => cells[columns.indexOf(name)] || undefined;
    const path = cell('path');
    if (cells.length > columns.length || path === undefined) {
      const expected = hasHeader ? columns.join(',') : 'path or path,label, or a header like path,label,mask,depth';
      throw new DataError(
        `${file}:${line} has ${path === undefined ? 'no path' : `${cells.length} cells`}; expected ${expected}`,
      );
    }
    const label = cell('label');
    return { path, labels: label === undefined ? [] : [label], mask: cell('mask'), depth: cell('depth'), span: spanOf(cell('offset'), cell('length'), `${file}:${line}`) };
  });
  return { entries };
}

function parseCsv(text: string, file: string): { cells: string[]; line: number }[] {
  try {
    const rows = parse(text, { relax_column_count: true, skip_empty_lines: true, trim: true, info: true });
    return (rows as unknown as { record: string[]; info: { lines: number } }[]).map(({ record, info }) => ({
      cells: record,
      line: info.lines,
    }));
  } catch (cause) {
    if (!(cause instanceof CsvError)) throw cause;
    throw new DataError(`${file} is not CSV: ${cause.message}`, { cause });
  }
}

function readJsonLines(file: string): Entries {
  let multiLabelled = false;
  const entries = linesOf(readText(file)).map(({ text, line }): Entry => {
    let value: unknown;
    try {
      value = JSON.parse(text);
    } catch (cause) {
      throw new DataError(`${file}:${line} is not JSON: ${(cause as Error).message}`, { cause });
    }
    const { path, label, mask, depth, offset, length } = (value ?? {}) as Record<string, unknown>;
    if (typeof path !== 'string') {
      throw new DataError(`${file}:${line} has no "path"; expected {"path": "…", "label": …}`);
    }
    multiLabelled ||= Array.isArray(label);
    const labels = (Array.isArray(label) ? (label as unknown[]) : [label ?? []]).flat();
    if (!labels.every((label) => typeof label === 'string' || typeof label === 'number')) {
      throw new DataError(`${file}:${line} has the label ${JSON.stringify(label)}; expected text, a number or a list of these`);
    }
    for (const [key, value] of Object.entries({ mask, depth })) {
      if (typeof (value ?? '') !== 'string') throw new DataError(`${file}:${line} has a "${key}" that is no path`);
    }
    return {
      path,
      labels: labels.map(String),
      mask: (mask as string | null) ?? undefined,
      depth: (depth as string | null) ?? undefined,
      span: spanOf(offset, length, `${file}:${line}`),
    };
  });
  return { entries, multiLabelled };
}

function readParquet(file: string): Entries {
  const columns = readParquetColumns(file, columnNames);
  if (columns.path === undefined) throw new DataError(`${file} has no column "path"; expected path and perhaps label, mask, depth, offset and length`);
  const text = (name: 'label' | 'mask' | 'depth', row: number) => {
    const value = columns[name]?.[row] ?? undefined;
    if (value === undefined || typeof value === 'string') return value;
    if (name === 'label' && (typeof value === 'number' || typeof value === 'bigint')) return String(value);
    throw new DataError(`${file} has no text in the column "${name}" of row ${row}`);
  };
  const entries = columns.path.map((path, row): Entry => {
    if (typeof path !== 'string') throw new DataError(`${file} has no path in row ${row}`);
    const label = text('label', row);
    const span = spanOf(columns.offset?.[row], columns.length?.[row], `row ${row} of ${file}`);
    return { path, labels: label === undefined ? [] : [label], mask: text('mask', row), depth: text('depth', row), span };
  });
  return { entries };
}

function spanOf(offset: unknown, length: unknown, place: string): Span | undefined {
  const given = [offset, length].map((value) => (value ?? undefined) !== undefined);
  if (!given[0] && !given[1]) return undefined;
  const span = { offset: Number(offset), length: Number(length) };
  const usable = given[0] && given[1] && Number.isSafeInteger(span.offset) && span.offset >= 0 && Number.isSafeInteger(span.length) && span.length > 0;
  if (!usable) {
    throw new DataError(`${place} has the offset ${String(offset)} and the length ${String(length)}; give both in bytes, or neither`);
  }
  return span;
}
