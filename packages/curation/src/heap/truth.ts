import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { CurationError } from '../error';
import type { PlannedFile } from './plan-heap';

/** What is known of a file of a heap. */
export interface Truth extends Omit<PlannedFile, 'format' | 'draw'> {
  /** Pixels; 0 where the file cannot be read. */
  readonly width: number;
  readonly height: number;
  readonly bytes: number;
  /** Of the file's bytes, hexadecimal. */
  readonly sha256: string;
}

const columns = ['path', 'kind', 'source', 'variety', 'concept', 'of', 'group', 'width', 'height', 'bytes', 'sha256'] as const satisfies readonly (keyof Truth)[];

/** Rows as CSV with a header; no value of a heap needs quotes. */
export function truthCsv(rows: readonly Truth[]): string {
  return [columns, ...rows.map((row) => columns.map((name) => row[name]))].map((cells) => `${cells.join(',')}\n`).join('');
}

/**
 * Read `truth.csv` of a heap's folder: its files in the order of their making, and the evaluation set's.
 *
 * @throws CurationError when the folder holds no finished heap.
 */
export async function readTruth(heap: string): Promise<Truth[]> {
  const text = await readFile(join(heap, 'truth.csv'), 'utf8').catch(() => {
    throw new CurationError(`${heap} has no truth.csv; make or finish the heap with: dinov2-curate heap ${heap}`);
  });
  const [header, ...lines] = text.trimEnd().split('\n');
  if (header !== columns.join(',')) throw new CurationError(`${join(heap, 'truth.csv')} has the columns ${header}; expected ${columns.join(',')}`);
  return lines.map((line) => {
    const cells = line.split(',');
    return Object.fromEntries(columns.map((name, i) => [name, ['group', 'width', 'height', 'bytes'].includes(name) ? Number(cells[i]) : cells[i]])) as unknown as Truth;
  });
}
