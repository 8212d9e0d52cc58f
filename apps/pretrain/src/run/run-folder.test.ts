import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { resolveSettings } from '../config/resolve';
import { RunFolder } from './run-folder';

let folder: string;
beforeEach(() => (folder = mkdtempSync(join(tmpdir(), 'pretrain-'))));
afterEach(() => rmSync(folder, { recursive: true }));

const fill = (...names: string[]) => names.forEach((name) => writeFileSync(join(folder, name), 'x'));

describe('RunFolder.clear', () => {
  it('deletes every file of a run and nothing else', () => {
    const run = new RunFolder(folder);
    run.writeSettings(resolveSettings([]));
    for (const name of ['checkpoints', 'tensorboard']) {
      mkdirSync(join(folder, name));
      fill(`${name}/inside`);
    }
    fill('config.json', 'metrics.jsonl', 'evaluations.jsonl', 'environment.jsonl', 'raw-pixels.json', 'random-weights.json', 'initialization.json', 'report.html');
    fill('backbone.safetensors', 'heads.safetensors', 'initial-backbone.safetensors', 'skipped-batch-12.safetensors', 'config.json.partial');
    fill('notes.txt', 'my-weights.safetensors');
    run.clear();
    expect(readdirSync(folder).sort()).toEqual(['my-weights.safetensors', 'notes.txt']);
  });

  it('refuses a folder that is no run', () => {
    mkdirSync(join(folder, 'checkpoints'));
    fill('settings.yaml');
    expect(() => new RunFolder(folder).clear()).toThrow(/holds files and no run of dinov2-pretrain.*--out/);
    expect(readdirSync(folder).sort()).toEqual(['checkpoints', 'settings.yaml']);
  });

  it('takes an empty or missing folder', () => {
    new RunFolder(folder).clear();
    new RunFolder(join(folder, 'missing')).clear();
  });

  it('refuses a run that a process trains in, and not one whose process is gone', () => {
    const run = new RunFolder(folder);
    run.writeSettings(resolveSettings([]));
    const lock = (pid: number) => writeFileSync(join(folder, 'run.lock'), JSON.stringify({ pid, host: hostname() }));
    lock(process.ppid);
    expect(() => run.clear()).toThrow(`process ${process.ppid} trains in`);
    // Above the largest process id of any system.
    lock(2 ** 30);
    run.clear();
    expect(readdirSync(folder)).toEqual(['run.lock']);
  });
});
