import { open, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { MetricsLine, MetricsUpdate } from './protocol';

/**
 * The lines of a run's `metrics.jsonl`, and then those that are added, until `signal` aborts. A run that is
 * continued from a checkpoint writes the file anew; then all lines come again, marked as a restart.
 *
 * @param interval - milliseconds between looks at the file.
 */
export async function* followMetrics(run: string, signal: AbortSignal, interval = 500): AsyncGenerator<MetricsUpdate, void> {
  const path = join(run, 'metrics.jsonl');
  let known: { inode: number; bytes: number } | undefined;
  let rest = Buffer.alloc(0);
  while (!signal.aborted) {
    const found = await stat(path).catch(() => undefined);
    const restart = known === undefined || found?.ino !== known.inode || found.size < known.bytes;
    if (found !== undefined && (restart || found.size > known!.bytes)) {
      const from = restart ? 0 : known!.bytes;
      const added = await read(path, from, found.size);
      const text = Buffer.concat([restart ? Buffer.alloc(0) : rest, added]);
      const end = text.lastIndexOf('\n') + 1; // the last line may be half written
      rest = Buffer.from(text.subarray(end));
      known = { inode: found.ino, bytes: from + added.length };
      yield { restart, lines: parse(text.subarray(0, end).toString()) };
    } else if (known === undefined) {
      known = { inode: -1, bytes: 0 };
      yield { restart: true, lines: [] };
    }
    await pause(interval, signal);
  }
}

async function read(path: string, from: number, to: number): Promise<Buffer> {
  const file = await open(path);
  try {
    const buffer = Buffer.alloc(to - from);
    const { bytesRead } = await file.read(buffer, 0, buffer.length, from);
    return buffer.subarray(0, bytesRead);
  } finally {
    await file.close();
  }
}

function parse(text: string): MetricsLine[] {
  return text.split('\n').flatMap((line) => {
    try {
      const value = JSON.parse(line) as MetricsLine;
      return typeof value.iteration === 'number' ? [value] : [];
    } catch {
      return [];
    }
  });
}

function pause(milliseconds: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(done, milliseconds);
    function done() {
      clearTimeout(timer);
      signal.removeEventListener('abort', done);
      resolve();
    }
    signal.addEventListener('abort', done);
  });
}
