import { createReadStream } from 'node:fs';
import { copyFile, mkdir, readdir, rename, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { CurationError } from '../error';

/** Files with times in them, of which the first is taken: keys in them tell whether they are right. */
const ownFiles = ['plan.yaml', 'images.json', 'result.json'];

/**
 * Put the files of several folders into one. Nothing is replaced: a file that is there must be the same.
 *
 * @throws CurationError when two folders hold different files of one name, or a folder is missing.
 */
export async function mergeFolders(out: string, parts: readonly string[]): Promise<{ copied: number; equal: number }> {
  let [copied, equal] = [0, 0];
  for (const part of parts) {
    const entries = await readdir(part, { recursive: true, withFileTypes: true }).catch((cause: Error) => {
      throw new CurationError(`the part ${part} cannot be read: ${cause.message}; check the path`, { cause });
    });
    for (const entry of entries) {
      if (!entry.isFile() || entry.name.endsWith('.partial')) continue;
      const from = join(entry.parentPath, entry.name);
      const inside = from.slice(part.length).replace(/^[/\\]+/, '');
      const to = join(out, inside);
      if ((await stat(to).catch(() => undefined)) === undefined) {
        await mkdir(dirname(to), { recursive: true });
        await copyFile(from, `${to}.partial`);
        await rename(`${to}.partial`, to);
        copied++;
      } else if (ownFiles.includes(entry.name) || (await sameFile(from, to))) equal++;
      else throw new CurationError(`${inside} of ${part} is another file than that in ${out}; the parts must come from one plan, weights and pictures: make them again, or merge into a new folder`);
    }
  }
  return { copied, equal };
}

async function sameFile(a: string, b: string): Promise<boolean> {
  const [first, second] = await Promise.all([stat(a), stat(b)]);
  if (first.size !== second.size) return false;
  const others = createReadStream(b)[Symbol.asyncIterator]();
  // Both come in chunks of one size.
  for await (const chunk of createReadStream(a)) {
    const other = await others.next();
    if (other.done === true || !(chunk as Buffer).equals(other.value as Buffer)) return false;
  }
  return true;
}
