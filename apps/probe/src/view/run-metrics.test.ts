import { appendFileSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, expect, it } from 'vitest';
import { followMetrics } from './run-metrics';

const folders: string[] = [];
afterEach(() => folders.splice(0).forEach((folder) => rmSync(folder, { recursive: true })));

function newRun() {
  const folder = mkdtempSync(join(tmpdir(), 'dinov2-run-'));
  folders.push(folder);
  return { folder, log: join(folder, 'metrics.jsonl') };
}

it('gives what is there, then whole lines as they come, and all again after a restart', async () => {
  const { folder, log } = newRun();
  const closed = new AbortController();
  const updates = followMetrics(folder, closed.signal, 5);
  const next = async () => (await updates.next()).value as { restart: boolean; lines: { iteration: number }[] };
  const iterations = async () => (await next()).lines.map(({ iteration }) => iteration);

  expect(await next()).toEqual({ restart: true, lines: [] });
  writeFileSync(log, '{"iteration":0,"loss":2}\n{"iteration":1,"loss":nu');
  expect(await next()).toEqual({ restart: true, lines: [{ iteration: 0, loss: 2 }] });
  appendFileSync(log, 'll}\n{"iteration":2,"loss":1}\nnot json\n');
  expect(await next()).toEqual({ restart: false, lines: [{ iteration: 1, loss: null }, { iteration: 2, loss: 1 }] });

  // As the trainer does when a run goes on from an older checkpoint.
  writeFileSync(`${log}.partial`, '{"iteration":0,"loss":2}\n');
  renameSync(`${log}.partial`, log);
  expect(await next()).toEqual({ restart: true, lines: [{ iteration: 0, loss: 2 }] });
  appendFileSync(log, '{"iteration":1,"loss":3}\n');
  expect(await iterations()).toEqual([1]);

  closed.abort();
  expect((await updates.next()).done).toBe(true);
});
