import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { TrainerError } from './errors';
import { MetricsLog } from './metrics-log';

const root = mkdtempSync(join(tmpdir(), 'metrics-'));
afterAll(() => rmSync(root, { recursive: true }));

it('drops the lines that a resumed run writes again, and half a line', async () => {
  writeFileSync(join(root, 'metrics.jsonl'), '{"iteration":0,"loss":3}\n{"iteration":1,"loss":2}\n{"iteration":2,"loss":1}\n{"iter');
  const log = await MetricsLog.open(root, 2);
  log.write({ iteration: 2, loss: NaN });
  expect(readFileSync(join(root, 'metrics.jsonl'), 'utf8')).toBe(
    '{"iteration":0,"loss":3}\n{"iteration":1,"loss":2}\n{"iteration":2,"loss":null}\n',
  );
});

it('says what to do when it cannot write', async () => {
  const folder = mkdtempSync(join(root, 'gone-'));
  const log = await MetricsLog.open(folder, 0);
  rmSync(folder, { recursive: true });
  expect(() => log.write({ iteration: 7, loss: 1 })).toThrow(TrainerError);
  expect(() => log.write({ iteration: 7, loss: 1 })).toThrow(/metrics of iteration 7 were not written .*Free disk space/);
});
