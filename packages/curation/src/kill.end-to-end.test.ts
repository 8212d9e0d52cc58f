import { spawn } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { generateHeap } from './heap';
import { temporaryFolder } from './program.testing';

const program = fileURLToPath(new URL('../dist/main.js', import.meta.url));
const { folder, remove } = temporaryFolder();
const plan = join(folder, 'plan.yaml');
beforeAll(async () => {
  if (!existsSync(program)) throw new Error('packages/curation is not built; run `npm run build` first, as `npm test` does');
  await generateHeap(join(folder, 'heap'), { count: 120, seed: 7, evaluationTrain: 1, evaluationHeldout: 1 });
  writeFileSync(plan, 'sources: heap/images\nheldOut: heap/evaluation/heldout\nembed: { weights: pixels, shardRows: 16 }\nsteps: [filter, exact, { selfDeduplicate: { threshold: 0.95 } }, relativeDeduplicate, { cluster: { resampling: 1 } }, balance]\n');
});
afterAll(remove);

/** Run the program, and kill it as soon as something is there. */
function run(out: string, killWhen?: () => boolean): Promise<number | NodeJS.Signals | null> {
  return new Promise((resolve) => {
    const child = spawn(process.execPath, [program, 'run', plan, '--out', out], { stdio: 'ignore' });
    const timer = killWhen && setInterval(() => killWhen() && child.kill('SIGKILL'), 2);
    child.on('close', (code, signal) => {
      clearInterval(timer);
      resolve(signal ?? code);
    });
  });
}
const manifestOf = (out: string) => ['manifest.parquet', 'manifest.jsonl'].map((name) => readFileSync(join(out, name), 'base64'));

describe('a run that is killed', () => {
  it('has the manifest of one that was not, wherever it was cut', async () => {
    const whole = join(folder, 'whole');
    expect(await run(whole)).toBe(0);
    const out = join(folder, 'killed');
    const step = (name: string) => join(out, 'steps', name);
    // Some parts embedded; in the middle of a step; before the manifest.
    const parts = () => (existsSync(join(out, 'embeddings', 'images')) ? readdirSync(join(out, 'embeddings', 'images')).filter((name) => name.endsWith('.parquet')).length : 0);
    for (const moment of [() => parts() >= 2, () => existsSync(join(step('03-selfDeduplicate'), 'work')), () => existsSync(join(step('05-cluster'), 'result.json'))]) {
      expect(await run(out, moment)).toBe('SIGKILL');
      expect(existsSync(join(out, 'manifest.parquet'))).toBe(false);
    }
    expect(await run(out)).toBe(0);
    expect(manifestOf(out)).toEqual(manifestOf(whole));
    const files = (folder: string) => readdirSync(folder, { recursive: true }).map(String).sort();
    expect(files(out)).toEqual(files(whole));
  });
});
