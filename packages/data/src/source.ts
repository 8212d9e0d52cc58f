import { statSync } from 'node:fs';
import { resolve } from 'node:path';
import type { Rectangle } from '@dinov2/augment';
import { DataError } from './error';
import { filesBelow, holdsImages, openFolder } from './folder-source';
import { openList } from './list-source';
import { openTars } from './tar-source';

/** Images by number, in an order that depends on their names only. */
export interface ImageSource {
  /** Absolute paths. */
  readonly paths: readonly string[];
  /** (paths.length,) index into `classes`, −1 for an image without a class. */
  readonly labels: Int32Array;
  /** Names of the classes, sorted; empty when nothing is labelled. */
  readonly classes: readonly string[];
  /** The part of each file that is the image, in pixels; absent or undefined: all of it. */
  readonly boxes?: readonly (Rectangle | undefined)[];
  /** The bytes of each file that are the image, such as a member of a tar file; absent or undefined: all of it. */
  readonly spans?: readonly (Span | undefined)[];
}

/** A stretch of a file, in bytes. */
export interface Span {
  readonly offset: number;
  readonly length: number;
}

/**
 * Open a folder of images, a list of them (`.txt`, `.csv`, `.jsonl`, `.parquet`), a tar file with images in it, or a folder of
 * such tar files.
 *
 * @throws DataError when the path is missing, not one of these, or holds no image.
 */
export function openSource(path: string): ImageSource {
  const tars = tarsAt(path);
  if (tars.length > 0) return openTars(tars);
  return isFolder(path) ? openFolder(path) : openList(path);
}

/**
 * The tar files that a path stands for: itself, or those below it; none where it is a folder of images, or a list.
 *
 * @throws DataError when nothing is there, or tar files stand among images.
 */
export function tarsAt(path: string): string[] {
  // A compressed one too, so that it is told what is wrong with it.
  if (!isFolder(path)) return /\.(tar|tgz|tar\.\w+)$/i.test(path) ? [resolve(path)] : [];
  const tars = filesBelow(resolve(path), ['.tar']);
  if (tars.length > 0 && holdsImages(path)) throw new DataError(`${path} holds both images and tar files; put them into two folders and pass one`);
  return tars;
}

/**
 * Whether a path is a folder rather than a file.
 *
 * @throws DataError when it is neither.
 */
export function isFolder(path: string): boolean {
  const stats = statSync(path, { throwIfNoEntry: false });
  if (stats === undefined) {
    throw new DataError(`no folder or list of images at ${path}; check the path`);
  }
  return stats.isDirectory();
}
