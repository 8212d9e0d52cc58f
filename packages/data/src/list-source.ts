import { readFileSync } from 'node:fs';
import { dirname, extname, resolve } from 'node:path';
import { DataError } from './error';
import type { ImageSource } from './source';

interface Entry {
  readonly path: string;
  readonly label?: string;
}

/**
 * Images named in a file, in its order. Relative paths start from the list's own folder.
 *
 * - `.txt`: one path per line.
 * - `.csv`: `path` or `path,label` per line, quoted as usual; a first line that says so is a header.
 * - `.jsonl`: one `{"path": …, "label": …}` per line, the label optional, text or a number.
 *
 * Classes are the distinct labels, sorted (by value when all are whole numbers).
 *
 * @throws DataError when the file is missing, of another kind, empty, or a line cannot be read.
 */
export function openList(file: string): ImageSource {
  const parse = parsers[extname(file).toLowerCase()];
  if (parse === undefined) {
    throw new DataError(`${file} is no list of images; pass a .txt, .csv or .jsonl file, or a folder`);
  }
  const entries = readLines(file).flatMap(({ text, line }) => parse(text, line, file) ?? []);
  if (entries.length === 0) throw new DataError(`no images are named in ${file}`);
  const base = dirname(resolve(file));
  const classes = sortLabels([...new Set(entries.flatMap(({ label }) => label ?? []))]);
  const codes = new Map(classes.map((name, i) => [name, i]));
  return {
    paths: entries.map(({ path }) => resolve(base, path)),
    labels: Int32Array.from(entries, ({ label }) => (label === undefined ? -1 : codes.get(label)!)),
    classes,
  };
}

function readLines(file: string): { text: string; line: number }[] {
  let content: string;
  try {
    content = readFileSync(file, 'utf8');
  } catch (cause) {
    throw new DataError(`cannot read the list ${file}: ${(cause as Error).message}`, { cause });
  }
  return content
    .replace(/^\uFEFF/, '')
    .split(/\r?\n/)
    .map((text, i) => ({ text, line: i + 1 }))
    .filter(({ text }) => text.trim() !== '');
}

type Parser = (text: string, line: number, file: string) => Entry | undefined;

const parsers: Readonly<Record<string, Parser>> = {
  '.txt': (text) => ({ path: text.trim() }),
  '.csv': (text, line, file) => {
    const cells = splitCsv(text);
    if (line === 1 && cells[0].toLowerCase() === 'path') return undefined;
    if (cells.length > 2 || cells[0] === '') {
      throw new DataError(`${file}:${line} has ${cells.length} cells; expected path or path,label`);
    }
    const [path, label = ''] = cells;
    return label === '' ? { path } : { path, label };
  },
  '.jsonl': (text, line, file) => {
    let value: unknown;
    try {
      value = JSON.parse(text);
    } catch (cause) {
      throw new DataError(`${file}:${line} is not JSON: ${(cause as Error).message}`, { cause });
    }
    const { path, label } = (value ?? {}) as Record<string, unknown>;
    if (typeof path !== 'string') {
      throw new DataError(`${file}:${line} has no "path"; expected {"path": "…", "label": …}`);
    }
    return label === undefined || label === null ? { path } : { path, label: String(label) };
  },
};

function splitCsv(text: string): string[] {
  const cells = text.match(/("([^"]|"")*"|[^,]*)(,|$)/g) ?? [];
  // The pattern also matches the empty end of the line, which is a cell only after a comma.
  const kept = text.endsWith(',') ? cells : cells.slice(0, -1);
  return kept.map((cell) => {
    const trimmed = cell.replace(/,$/, '').trim();
    return trimmed.startsWith('"') ? trimmed.slice(1, -1).replaceAll('""', '"') : trimmed;
  });
}

function sortLabels(labels: string[]): string[] {
  return labels.every((label) => /^\d+$/.test(label))
    ? labels.sort((a, b) => Number(a) - Number(b))
    : labels.sort();
}
