import { spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { TrainerError } from './errors';
import { lockFolder } from './run-lock';

let folder: string;
let path: string;
let warnings: string[];
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'lock-'));
  path = join(folder, 'run.lock');
  warnings = [];
});
afterEach(() => rmSync(folder, { recursive: true }));

const lock = (): (() => void) => lockFolder(folder, (message) => warnings.push(message));
const leave = (pid: number, host = hostname()): void =>
  writeFileSync(path, JSON.stringify({ pid, host, since: '2026-01-02T03:04:05.000Z', id: 'x' }));

it('is held until it is released', () => {
  const release = lock();
  expect(JSON.parse(readFileSync(path, 'utf8'))).toMatchObject({ pid: process.pid, host: hostname() });
  expect(lock).toThrow(TrainerError);
  expect(lock).toThrow(/in use by another trainer of this process/);
  release();
  expect(readdirSync(folder)).toEqual([]);
  lock()();
  expect(warnings).toEqual([]);
});

it('names a process that runs, and the file to delete', () => {
  const other = spawn(process.execPath, ['-e', 'setTimeout(() => {}, 60000)']);
  try {
    leave(other.pid!);
    expect(lock).toThrow(`in use by process ${other.pid} on ${hostname()} since 2026-01-02T03:04:05.000Z`);
    expect(lock).toThrow(`delete ${path}`);
  } finally {
    other.kill('SIGKILL');
  }
});

it('takes over from a process that is gone, with a note', () => {
  const { pid } = spawnSync(process.execPath, ['-e', '']);
  leave(pid);
  const release = lock();
  expect(warnings).toEqual([expect.stringContaining(`left locked by process ${pid}`)]);
  expect(JSON.parse(readFileSync(path, 'utf8')).pid).toBe(process.pid);
  expect(readdirSync(folder)).toEqual(['run.lock']);
  release();
  expect(existsSync(path)).toBe(false);
});

it('takes over from one that was killed as it took over', () => {
  const { pid } = spawnSync(process.execPath, ['-e', '']);
  leave(pid);
  writeFileSync(`${path}.claim`, readFileSync(path));
  lock()();
  expect(warnings).toHaveLength(1);
  expect(readdirSync(folder)).toEqual([]);
});

it('takes over from an earlier process with the same id, as in a restarted container', () => {
  leave(process.pid);
  lock()();
  expect(warnings).toHaveLength(1);
});

it('takes over what a power failure left', () => {
  const before = new Date(Date.now() - 60_000);
  for (const file of [path, `${path}.claim`]) {
    writeFileSync(file, '');
    utimesSync(file, before, before);
  }
  lock()();
  expect(warnings).toHaveLength(1);
  expect(readdirSync(folder)).toEqual([]);
});

it('does not judge a process of another host', () => {
  leave(1, 'elsewhere');
  expect(lock).toThrow(/in use by process 1 on elsewhere/);
});

it('leaves a lock alone that replaced its own', () => {
  const release = lock();
  leave(1, 'elsewhere');
  release();
  expect(existsSync(path)).toBe(true);
});
