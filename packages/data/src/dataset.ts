import { existsSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { DataError } from './error';
import { emptyClassFolders, openFolder } from './folder-source';
import { openList } from './list-source';
import { nameSome } from './name-some';
import { partnersByName } from './partners';
import { type ImageSource, isFolder, tarsAt } from './source';
import { openTars } from './tar-source';

/** Images with what is known of each. */
export interface Dataset extends ImageSource {
  /** Absolute path of each image's class mask, for `readMask`. */
  readonly masks?: readonly (string | undefined)[];
  /** Absolute path of each image's depth map, for `readDepth`. */
  readonly depths?: readonly (string | undefined)[];
  /** Names of the numbers in masks, where the data say them. */
  readonly maskClasses?: readonly string[];
  /** All classes of each image, where images show several; `labels` then holds the first. */
  readonly multiLabels?: readonly (readonly number[])[];
}

export interface DatasetOptions {
  /** Folder of the class masks, whose file names are those of the images but for the ending. */
  readonly masks?: string;
  /** Folder of the depth maps, named in the same way. */
  readonly depths?: string;
  /** Take images without a mask or depth map, and these without an image; by default an error. */
  readonly allowMissing?: boolean;
  /** Throw when an image has no class; off by default. */
  readonly requireLabels?: boolean;
}

/**
 * Open images together with their classes, masks and depth maps:
 *
 * - a folder of images by class, as `openFolder`;
 * - a folder with `images/` and `masks/` or `depths/` (or both) in it, matched by name, and perhaps a
 *   `classes.json`, a list of the names of the numbers in the masks;
 * - a folder of images, with the folders of masks and depth maps in `options`;
 * - a list (`.csv`, `.jsonl`, `.parquet`) with `path`, `label`, `mask` and `depth`, as `openList`;
 * - a tar file, or a folder of them, with images and their labels, as `openSource`.
 *
 * @throws DataError when nothing is there, a class folder is empty, a partner is missing, or an image has
 * no class although `requireLabels` is set.
 */
export function openDataset(path: string, options: DatasetOptions = {}): Dataset {
  const dataset = open(path, options);
  if (options.requireLabels) {
    const unlabelled = dataset.paths.filter((_, i) => dataset.labels[i] < 0);
    if (unlabelled.length > 0) {
      throw new DataError(
        `${unlabelled.length} of the ${dataset.paths.length} images of ${path} have no class: ${nameSome(unlabelled)}; put images into a folder per class, or pass a list with labels`,
      );
    }
  }
  return dataset;
}

function open(path: string, options: DatasetOptions): Dataset {
  const tars = options.masks === undefined && options.depths === undefined ? tarsAt(path) : [];
  if (tars.length > 0) return openTars(tars);
  if (!isFolder(path)) {
    if (options.masks !== undefined || options.depths !== undefined) {
      throw new DataError(`${path} is a list; name masks and depth maps in its columns mask and depth instead`);
    }
    return openList(path);
  }
  const inside = (name: string) => (isFolderAt(join(path, name)) ? join(path, name) : undefined);
  const images = inside('images');
  const [ownMasks, ownDepths] = [inside('masks'), inside('depths')];
  const paired = images !== undefined && (ownMasks ?? ownDepths) !== undefined;
  const root = paired ? images : path;
  const masks = options.masks ?? (paired ? ownMasks : undefined);
  const depths = options.depths ?? (paired ? ownDepths : undefined);

  const source = openFolder(root);
  const empty = emptyClassFolders(root, source);
  if (empty.length > 0) {
    throw new DataError(
      `${empty.length} class folders of ${root} hold no image: ${nameSome(empty)}; put images there or remove them`,
    );
  }
  const partners = (folder: string, kind: 'mask' | 'depth map') =>
    partnersByName({ root, paths: source.paths, folder, kind, allowMissing: options.allowMissing ?? false });
  const maskClasses = masks === undefined ? undefined : readMaskClasses(path);
  return {
    ...source,
    ...(masks !== undefined && { masks: partners(masks, 'mask') }),
    ...(depths !== undefined && { depths: partners(depths, 'depth map') }),
    ...(maskClasses !== undefined && { maskClasses }),
  };
}

function isFolderAt(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false;
}

/** The names in `classes.json` of a folder, or of the one above it, which is that of all splits. */
function readMaskClasses(folder: string): readonly string[] | undefined {
  const file = [folder, join(folder, '..')].map((place) => join(place, 'classes.json')).find((path) => existsSync(path));
  if (file === undefined) return undefined;
  let names: unknown;
  try {
    names = JSON.parse(readFileSync(file, 'utf8'));
  } catch (cause) {
    throw new DataError(`${file} is not JSON: ${(cause as Error).message}`, { cause });
  }
  if (!Array.isArray(names) || !names.every((name) => typeof name === 'string')) {
    throw new DataError(`${file} is no list of names; expected ["first class", "second class", …]`);
  }
  return names;
}
