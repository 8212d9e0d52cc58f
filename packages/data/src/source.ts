import { statSync } from 'node:fs';
import { DataError } from './error';
import { openFolder } from './folder-source';
import { openList } from './list-source';

/** Images by number, in an order that depends on their names only. */
export interface ImageSource {
  /** Absolute paths. */
  readonly paths: readonly string[];
  /** (paths.length,) index into `classes`, −1 for an image without a class. */
  readonly labels: Int32Array;
  /** Names of the classes, sorted; empty when nothing is labelled. */
  readonly classes: readonly string[];
}

/**
 * Open a folder of images, or a list of them (`.txt`, `.csv`, `.jsonl`).
 *
 * @throws DataError when the path is missing, not one of these, or holds no image.
 */
export function openSource(path: string): ImageSource {
  const stats = statSync(path, { throwIfNoEntry: false });
  if (stats === undefined) {
    throw new DataError(`no folder or list of images at ${path}; check the path`);
  }
  return stats.isDirectory() ? openFolder(path) : openList(path);
}
