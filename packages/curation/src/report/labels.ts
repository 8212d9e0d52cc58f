import { readFile } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { CurationError } from '../error';

/** What is known of images beforehand, to judge a run by. */
export interface Labels {
  /** Whether two files show one picture; undefined where one is not listed. */
  alike(a: string, b: string): boolean | undefined;
  /** What a file shows; undefined where it is not listed or shows nothing. */
  concept(path: string): string | undefined;
}

/**
 * Read labels from a CSV file with a header: `path` (relative to the file's folder, or absolute), `group` (equal for
 * files that show one picture) and, if it has one, `concept`. A heap's `truth.csv` is one.
 *
 * @throws CurationError when a column is missing.
 */
export async function readLabels(file: string): Promise<Labels> {
  const lines = (await readFile(file, 'utf8')).trimEnd().split(/\r?\n/).map((line) => line.split(','));
  const header = lines[0]!;
  const [path, group, concept] = ['path', 'group', 'concept'].map((name) => header.indexOf(name)) as [number, number, number];
  if (path < 0 || group < 0) throw new CurationError(`${file} has the columns ${header.join(', ')}; labels need path and group`);
  const rows = new Map(lines.slice(1).map((cells) => [resolve(dirname(file), cells[path]!), { group: cells[group], concept: concept < 0 ? undefined : cells[concept] }]));
  return {
    alike: (a, b) => {
      const [one, other] = [rows.get(a), rows.get(b)];
      return one && other && one.group === other.group;
    },
    concept: (of) => rows.get(of)?.concept || undefined,
  };
}
