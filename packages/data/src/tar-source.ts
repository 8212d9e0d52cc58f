import { basename, extname } from 'node:path';
import { DataError } from './error';
import { hasImageEnding } from './folder-source';
import { sortLabels } from './sort-labels';
import type { ImageSource, Span } from './source';
import { openTarFile, type TarMember, type TarReader } from './tar-members';

/**
 * The images inside tar files, in the order of files and members, read in place. Members that are no images by their ending
 * are left out. The class of `key.jpg` is what `key.cls` beside it says, or `label` or `cls` of `key.json`, as in the webdataset
 * layout (a key is a name up to the first dot); an image without these has none.
 *
 * An image that is cut off with its file is one that cannot be read, and is told when it is asked for.
 *
 * @throws DataError when a file is missing, damaged, compressed or no tar file, or there is no image in any.
 */
export function openTars(tars: readonly string[]): ImageSource {
  const images: { path: string; span: Span; label: string | undefined }[] = [];
  let members = 0;
  for (const path of tars) {
    const tar = openTarFile(path);
    try {
      const labels = labelsByKey(tar);
      members += tar.members.length;
      for (const { name, offset, length } of tar.members) {
        if (!isHidden(name) && hasImageEnding(name)) images.push({ path, span: { offset, length }, label: labels.get(keyOf(name)) });
      }
    } finally {
      tar.close();
    }
  }
  if (images.length === 0) {
    const what = tars.length === 1 ? tars[0] : `the ${tars.length} tar files from ${tars[0]} on`;
    throw new DataError(`no images among the ${members} files in ${what}; pass tar files of .jpg, .png, … files`);
  }
  const classes = sortLabels([...new Set(images.flatMap(({ label }) => label ?? []))]);
  const codes = new Map(classes.map((name, i) => [name, i]));
  return {
    paths: images.map(({ path }) => path),
    labels: Int32Array.from(images, ({ label }) => (label === undefined ? -1 : codes.get(label)!)),
    classes,
    spans: images.map(({ span }) => span),
  };
}

function labelsByKey(tar: TarReader): Map<string, string> {
  const labels = new Map<string, string>();
  for (const member of tar.members) {
    const label = isHidden(member.name) ? undefined : labelOf(tar, member);
    if (label !== undefined) labels.set(keyOf(member.name), label);
  }
  return labels;
}

function labelOf(tar: TarReader, member: TarMember): string | undefined {
  const ending = extname(member.name).toLowerCase();
  if (ending === '.cls') return tar.read(member).toString('utf8').trim() || undefined;
  if (ending !== '.json') return undefined;
  const { label, cls } = parseObject(tar.read(member).toString('utf8'));
  const value = label ?? cls;
  return typeof value === 'string' || typeof value === 'number' ? String(value) : undefined;
}

/** What a member says beside an image, be it damaged or something else altogether, does not keep the image away. */
function parseObject(text: string): Record<string, unknown> {
  try {
    return (JSON.parse(text) ?? {}) as Record<string, unknown>;
  } catch {
    return {};
  }
}

/** A member's folder and its name up to the first dot. */
function keyOf(name: string): string {
  const file = basename(name);
  return name.slice(0, name.length - file.length) + file.split('.')[0];
}

const isHidden = (name: string) => name.split('/').some((part) => part.startsWith('.') && part !== '.' && part !== '..');
