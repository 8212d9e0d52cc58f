import { existsSync, readFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import type { Rectangle } from '@dinov2/augment';
import { DataError } from './error';
import { hasImageEnding } from './folder-source';
import { nameSome } from './name-some';
import type { ImageSource } from './source';

/** Images that show what a query shows, as numbers of the gallery; all others are negatives. */
export interface QueryGroundTruth {
  readonly easy: readonly number[];
  readonly hard: readonly number[];
  /** Neither right nor wrong: taken out of a ranking before it is judged. */
  readonly junk: readonly number[];
}

/** Queries, the images to find them in, and what is right. */
export interface RetrievalSet {
  /** With `boxes`, the part of each picture that is asked for. */
  readonly queries: ImageSource;
  readonly gallery: ImageSource;
  /** One for each query. */
  readonly groundTruth: readonly QueryGroundTruth[];
}

/**
 * Open a retrieval set of the structure of the revisited Oxford and Paris (Radenović et al. 2018), as JSON:
 * `{ "imlist": […], "qimlist": […], "gnd": [{ "bbx": [x0, y0, x1, y1], "easy": […], "hard": […], "junk": […] }] }`,
 * where `bbx` may be missing.
 *
 * @param images - folder of the pictures, `<name>.jpg` unless the name has an ending; `jpg` beside the
 * file by default.
 * @throws DataError when the file or a picture is missing, or the structure is another.
 */
export function openRetrievalSet(file: string, images = join(dirname(file), 'jpg')): RetrievalSet {
  const content = readJson(file);
  const imlist = names(content.imlist, 'imlist', file);
  const qimlist = names(content.qimlist, 'qimlist', file);
  const { gnd } = content;
  if (!Array.isArray(gnd) || gnd.length !== qimlist.length) {
    throw new DataError(`${file} has no "gnd" of ${qimlist.length} entries, one for each name of "qimlist"`);
  }
  const numbers = gnd.map((entry: unknown, q) => groundTruthOf(entry, q, imlist.length, file));

  const locate = (name: string) => resolve(images, hasImageEnding(name) ? name : `${name}.jpg`);
  const paths = { queries: qimlist.map(locate), gallery: imlist.map(locate) };
  const missing = [...new Set([...paths.queries, ...paths.gallery])].filter((path) => !existsSync(path));
  if (missing.length > 0) {
    throw new DataError(`${missing.length} pictures of ${file} are missing: ${nameSome(missing)}; pass the folder they are in`);
  }
  const unlabelled = (paths: readonly string[]) => ({ paths, labels: new Int32Array(paths.length).fill(-1), classes: [] });
  const boxes = gnd.map((entry: unknown, q) => boxOf((entry as { bbx?: unknown }).bbx, q, file));
  return {
    queries: { ...unlabelled(paths.queries), ...(boxes.some((box) => box !== undefined) && { boxes }) },
    gallery: unlabelled(paths.gallery),
    groundTruth: numbers,
  };
}

function readJson(file: string): Record<string, unknown> {
  try {
    return (JSON.parse(readFileSync(file, 'utf8')) ?? {}) as Record<string, unknown>;
  } catch (cause) {
    throw new DataError(
      `cannot read the retrieval set ${file}: ${(cause as Error).message}; a .pkl has to be made into JSON first`,
      { cause },
    );
  }
}

function names(value: unknown, key: string, file: string): string[] {
  if (!Array.isArray(value) || value.length === 0 || !value.every((name) => typeof name === 'string')) {
    throw new DataError(`${file} has no "${key}", a list of names of pictures`);
  }
  return value;
}

function groundTruthOf(entry: unknown, query: number, gallerySize: number, file: string): QueryGroundTruth {
  const numbers = (key: 'easy' | 'hard' | 'junk'): number[] => {
    const value = (entry as Record<string, unknown> | null)?.[key];
    const valid = (n: unknown) => Number.isInteger(n) && (n as number) >= 0 && (n as number) < gallerySize;
    if (!Array.isArray(value) || !value.every(valid)) {
      throw new DataError(`${file}: "${key}" of gnd[${query}] is no list of numbers from 0 to ${gallerySize - 1}`);
    }
    return value as number[];
  };
  return { easy: numbers('easy'), hard: numbers('hard'), junk: numbers('junk') };
}

function boxOf(value: unknown, query: number, file: string): Rectangle | undefined {
  if (value === undefined || value === null) return undefined;
  if (!Array.isArray(value) || value.length !== 4 || !value.every((x) => Number.isFinite(x))) {
    throw new DataError(`${file}: "bbx" of gnd[${query}] is not [x0, y0, x1, y1]`);
  }
  // Whole pixels as PIL's `crop` takes them.
  const [left, top, right, bottom] = (value as number[]).map(Math.round);
  if (right <= left || bottom <= top) throw new DataError(`${file}: "bbx" of gnd[${query}] is empty: [${value.join(', ')}]`);
  return { left, top, width: right - left, height: bottom - top };
}
