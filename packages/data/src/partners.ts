import { extname, relative, resolve } from 'node:path';
import { DataError } from './error';
import { filesBelow } from './folder-source';
import { nameSome } from './name-some';

export interface PartnerOptions {
  /** Folder that the images' names start from. */
  readonly root: string;
  readonly paths: readonly string[];
  /** Folder of the partners. */
  readonly folder: string;
  readonly kind: 'mask' | 'depth map';
  readonly allowMissing: boolean;
}

const endings = {
  mask: ['.png', '.tif', '.tiff'],
  'depth map': ['.png', '.npy', '.tif', '.tiff'],
} as const;

/**
 * The file of `folder` that belongs to each image: the one at the same place below its folder with the
 * same name but for the ending.
 *
 * @throws DataError when two files share a name, or images and partners do not pair up.
 */
export function partnersByName({ root, paths, folder, kind, allowMissing }: PartnerOptions): (string | undefined)[] {
  const images = byName(resolve(root), paths);
  const partners = byName(resolve(folder), filesBelow(resolve(folder), endings[kind]));
  if (!allowMissing) {
    const alone = [...images.keys()].filter((name) => !partners.has(name));
    const spare = [...partners.keys()].filter((name) => !images.has(name));
    const problems = [
      alone.length > 0 && `${alone.length} images have no ${kind} in ${folder}: ${nameSome(alone)}`,
      spare.length > 0 && `${spare.length} ${kind}s have no image in ${root}: ${nameSome(spare)}`,
    ].filter((problem) => problem !== false);
    if (problems.length > 0) {
      throw new DataError(`${problems.join('; ')}; add the missing files, or pass allowMissing to leave them out`);
    }
  }
  return [...images.keys()].map((name) => partners.get(name));
}

/** Files by their path below a folder, without ending. */
function byName(folder: string, paths: readonly string[]): Map<string, string> {
  const files = new Map<string, string>();
  for (const path of paths) {
    const name = relative(folder, path).slice(0, -extname(path).length);
    const other = files.get(name);
    if (other !== undefined) {
      throw new DataError(`${other} and ${path} have the same name but for the ending; keep one of them`);
    }
    files.set(name, path);
  }
  return files;
}
