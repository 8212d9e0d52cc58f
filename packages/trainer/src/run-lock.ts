import { randomUUID } from 'node:crypto';
import { readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { TrainerError } from './errors';

/** What a lock file holds. */
interface Holder {
  readonly pid: number;
  readonly host: string;
  /** When it was taken, ISO 8601. */
  readonly since: string;
  /** Tells apart two locks of equal processes: a restarted container has the same host and process ids. */
  readonly id: string;
}

/** Ids of the locks that this process holds. */
const held = new Set<string>();

/**
 * Take a run folder for this process by the file `run.lock` in it. Two processes in one folder would
 * mix their logs and delete each other's checkpoints.
 *
 * A killed process leaves its lock behind. If it ran on this host, that is told from its process id:
 * the lock is taken over and `warn` is called.
 *
 * @returns gives the folder back; also done when the process exits.
 * @throws TrainerError if another process, or a trainer of this one, has the folder.
 */
export function lockFolder(folder: string, warn: (message: string) => void): () => void {
  const path = join(folder, 'run.lock');
  const own: Holder = { pid: process.pid, host: hostname(), since: new Date().toISOString(), id: randomUUID() };
  const contents = `${JSON.stringify(own)}\n`;
  while (!create(path, contents)) {
    const text = readIfThere(path);
    if (text === undefined) continue;
    const holder = parse(text);
    if (holder !== undefined && isAlive(holder)) {
      const who = held.has(holder.id) ? 'another trainer of this process' : `process ${holder.pid} on ${holder.host}`;
      throw new TrainerError(
        `${folder} is in use by ${who} since ${holder.since}. Train in another folder, or stop that one first; ` +
          `if it is gone for certain, delete ${path}.`,
      );
    }
    if (!removeUnchanged(path, text)) continue;
    const who = holder === undefined ? 'a process that' : `process ${holder.pid}, which has the folder since ${holder.since} and`;
    warn(`${folder} was left locked by ${who} ended without giving it back; this process takes over.`);
  }
  held.add(own.id);
  const release = (): void => {
    process.off('exit', release);
    held.delete(own.id);
    // Someone who deleted the file by hand may have let another process in.
    if (readIfThere(path) === contents) rmSync(path, { force: true });
  };
  process.on('exit', release);
  return release;
}

/** Write a file unless there is one. */
function create(path: string, contents: string): boolean {
  try {
    writeFileSync(path, contents, { flag: 'wx' });
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw new TrainerError(`${path} cannot be written: ${(error as Error).message}. Choose a folder that can.`, { cause: error });
  }
}

function readIfThere(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

/** `undefined` for what is not a lock, such as the empty file that a power failure leaves. */
function parse(text: string): Holder | undefined {
  try {
    const { pid, host, since, id } = JSON.parse(text) as Holder;
    return Number.isInteger(pid) && pid > 0 ? { pid, host, since, id } : undefined;
  } catch {
    return undefined;
  }
}

/** Whether the process may still run; of another host nothing is known. */
function isAlive({ pid, host, id }: Holder): boolean {
  if (host !== hostname()) return true;
  if (pid === process.pid) return held.has(id);
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    // EPERM is a process of another user.
    return (error as NodeJS.ErrnoException).code !== 'ESRCH';
  }
}

/**
 * Delete a lock that was found stale, unless another process has replaced it since: renaming takes
 * it out of the way of all others in one step, and it goes back if it is not the one that was read.
 */
function removeUnchanged(path: string, text: string): boolean {
  const aside = `${path}.${process.pid}`;
  try {
    renameSync(path, aside);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return false;
    throw error;
  }
  const unchanged = readFileSync(aside, 'utf8') === text;
  if (unchanged) rmSync(aside);
  else renameSync(aside, path);
  return unchanged;
}
