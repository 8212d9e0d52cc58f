import { randomUUID } from 'node:crypto';
import { readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
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
  let note: string | undefined;
  while (!create(path, contents)) {
    const { text, holder, state } = look(path);
    if (state === 'busy') {
      const { pid, host, since, id } = holder!;
      throw new TrainerError(
        `${folder} is in use by ${held.has(id) ? 'another trainer of this process' : `process ${pid} on ${host}`} since ${since}. ` +
          `Train in another folder, or stop that one first; if it is gone for certain, delete ${path}.`,
      );
    }
    if (state !== 'stale' || !removeStale(path, text!, contents)) {
      sleep();
      continue;
    }
    const who = holder === undefined ? 'a process that' : `process ${holder.pid}, which has the folder since ${holder.since} and`;
    note = `${folder} was left locked by ${who} ended without giving it back; this process takes over.`;
  }
  if (note !== undefined) warn(note);
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

/** The process that trains in a run folder, as far as its lock tells; undefined if none does. */
export function runHolder(folder: string): { readonly pid: number; readonly host: string } | undefined {
  const { state, holder } = look(join(folder, 'run.lock'));
  return state === 'busy' ? holder : undefined;
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

interface Found {
  readonly text?: string;
  readonly holder?: Holder;
  /** `unfinished` is a file that its process is about to fill. */
  readonly state: 'free' | 'busy' | 'stale' | 'unfinished';
}

function look(path: string): Found {
  const text = readIfThere(path);
  if (text === undefined) return { state: 'free' };
  const holder = parse(text);
  if (holder !== undefined) return { text, holder, state: isAlive(holder) ? 'busy' : 'stale' };
  const written = statSync(path, { throwIfNoEntry: false })?.mtimeMs;
  // What is still not a lock after some time was left by a power failure.
  return { text, state: written !== undefined && Date.now() - written > 2000 ? 'stale' : 'unfinished' };
}

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
 * Delete a lock that was found stale, unless it is no longer there. Several processes may find it at
 * once, and one of them have a new lock in its place already: only who holds the claim may delete.
 */
function removeStale(path: string, text: string, contents: string): boolean {
  const claim = `${path}.claim`;
  if (!create(claim, contents)) {
    if (look(claim).state === 'stale') rmSync(claim, { force: true });
    return false;
  }
  const unchanged = readIfThere(path) === text;
  if (unchanged) rmSync(path);
  rmSync(claim);
  return unchanged;
}

/** Another process needs microseconds to finish what it does. */
function sleep(): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 5);
}
