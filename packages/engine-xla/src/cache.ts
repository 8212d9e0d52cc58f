import { createHash, randomUUID } from 'node:crypto';
import { mkdir, readdir, readFile, rename, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';

/** Bytes that a folder of executables may hold: those that were used longest ago go first. */
const largestCache = 4 * 2 ** 30;

const extension = '.executable';

/** `$XDG_CACHE_HOME/dinov2-ts/xla`, where the variable is unset `~/.cache/dinov2-ts/xla`. */
export const defaultCacheFolder = (): string => join(process.env['XDG_CACHE_HOME'] || join(homedir(), '.cache'), 'dinov2-ts', 'xla');

/** Name of an executable: everything that it depends on. */
export function cacheKey(parts: readonly (string | Uint8Array)[]): string {
  const hash = createHash('sha256');
  // Lengths keep two lists of parts from running into the same bytes.
  for (const part of parts) hash.update(`${Buffer.byteLength(part)}:`).update(part);
  return hash.digest('hex');
}

/** Serialized executables in a folder. Nothing that goes wrong with it is an error: then programs are compiled. */
export class ExecutableCache {
  readonly folder: string;
  readonly #limit: number;

  constructor(folder: string, limit = largestCache) {
    this.folder = folder;
    this.#limit = limit;
  }

  async get(key: string): Promise<Uint8Array<ArrayBuffer> | undefined> {
    const path = this.#path(key);
    try {
      const bytes = await readFile(path);
      const now = new Date();
      await utimes(path, now, now).catch(() => undefined);
      return Uint8Array.from(bytes);
    } catch {
      return undefined;
    }
  }

  /** Written aside and renamed, so that processes can share the folder. */
  async put(key: string, bytes: Uint8Array): Promise<void> {
    if (bytes.length > this.#limit) return;
    const aside = join(this.folder, `${key}.${process.pid}.${randomUUID()}.part`);
    try {
      await mkdir(this.folder, { recursive: true });
      await writeFile(aside, bytes);
      await rename(aside, this.#path(key));
      await this.#prune();
    } catch {
      await rm(aside, { force: true }).catch(() => undefined);
    }
  }

  async remove(key: string): Promise<void> {
    await rm(this.#path(key), { force: true }).catch(() => undefined);
  }

  #path(key: string): string {
    return join(this.folder, key + extension);
  }

  async #prune(): Promise<void> {
    const names = (await readdir(this.folder)).filter((name) => name.endsWith(extension));
    const files = await Promise.all(
      names.map(async (name) => {
        const path = join(this.folder, name);
        const { size, mtimeMs } = await stat(path);
        return { path, size, mtimeMs };
      }),
    );
    let total = files.reduce((sum, { size }) => sum + size, 0);
    for (const { path, size } of files.sort((a, b) => a.mtimeMs - b.mtimeMs)) {
      if (total <= this.#limit) return;
      await rm(path, { force: true });
      total -= size;
    }
  }
}
