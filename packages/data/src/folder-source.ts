import { readdirSync, realpathSync, statSync, type Stats } from 'node:fs';
import { join, relative, resolve, sep } from 'node:path';
import { DataError } from './error';
import type { ImageSource } from './source';

/** File name endings of the formats that are read. */
const imageExtensions = ['.jpg', '.jpeg', '.png', '.webp', '.tif', '.tiff', '.gif'] as const;

/**
 * All images below a folder, sorted by path. The first-level subfolder is the class, as in
 * torchvision's `ImageFolder`; images directly in the folder have none. Hidden files are left out.
 *
 * @throws DataError when the folder is missing or holds no image.
 */
export function openFolder(folder: string): ImageSource {
  const root = resolve(folder);
  if (!statSync(root, { throwIfNoEntry: false })?.isDirectory()) {
    throw new DataError(`${folder} is not a folder; pass a folder of images`);
  }
  const paths = filesBelow(root, imageExtensions);
  if (paths.length === 0) {
    throw new DataError(`no images below ${folder}; put ${imageExtensions.join(', ')} files there`);
  }
  const classNames = paths.map((path) => {
    const parts = relative(root, path).split(sep);
    return parts.length > 1 ? parts[0] : undefined;
  });
  const classes = [...new Set(classNames.filter((name) => name !== undefined))].sort();
  const codes = new Map(classes.map((name, i) => [name, i]));
  const labels = Int32Array.from(classNames, (name) => (name === undefined ? -1 : codes.get(name)!));
  return { paths, labels, classes };
}

/** Subfolders, which name classes, without an image in them. */
export function emptyClassFolders(folder: string, { classes }: ImageSource): string[] {
  return readdirSync(folder, { withFileTypes: true })
    .filter((entry) => entry.isDirectory() && !entry.name.startsWith('.') && !classes.includes(entry.name))
    .map(({ name }) => name)
    .sort();
}

/** Files below a folder whose name ends in one of the endings, in the order of their paths; hidden ones are left out. */
export function filesBelow(folder: string, endings: readonly string[]): string[] {
  const paths: string[] = [];
  walk(folder, endings, paths, new Set());
  return paths;
}

/** Whether there is an image anywhere below a folder. */
export function holdsImages(folder: string): boolean {
  return filesBelow(resolve(folder), imageExtensions).length > 0;
}

/** Whether a file name ends as those of images do. */
export function hasImageEnding(name: string): boolean {
  return hasEnding(name, imageExtensions);
}

/** Depth first, names in code unit order, following links but no loop of them. */
function walk(folder: string, endings: readonly string[], paths: string[], above: ReadonlySet<string>): void {
  const real = realpathSync(folder);
  if (above.has(real)) return;
  const trail = new Set(above).add(real);
  const entries = readdirSync(folder, { withFileTypes: true });
  entries.sort((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0));
  for (const entry of entries) {
    if (entry.name.startsWith('.')) continue;
    const path = join(folder, entry.name);
    const target = entry.isSymbolicLink() ? followLink(path) : entry;
    if (target?.isDirectory()) walk(path, endings, paths, trail);
    else if (target?.isFile() && hasEnding(entry.name, endings)) paths.push(path);
  }
}

/** What a link leads to; undefined if nowhere, be it missing or the link itself. */
function followLink(path: string): Stats | undefined {
  try {
    return statSync(path);
  } catch {
    return undefined;
  }
}

function hasEnding(name: string, endings: readonly string[]): boolean {
  const lower = name.toLowerCase();
  return endings.some((ending) => lower.endsWith(ending));
}
