// Runs in processes of their own, on the built packages, with the worker threads of the data pipeline.
import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterAll, expect, it } from 'vitest';

const script = new URL('support/resume-run.mjs', import.meta.url).pathname;
const root = mkdtempSync(join(tmpdir(), 'resume-'));
afterAll(() => rmSync(root, { recursive: true }));

/** Run in a folder; with `killAfter`, end it by SIGKILL some milliseconds after so many iterations. */
async function run(folder: string, killAfter?: { iterations: number; milliseconds: number }): Promise<string[]> {
  const child = spawn(process.execPath, [script, folder], { stdio: ['ignore', 'pipe', 'pipe'] });
  const closed = new Promise<void>((resolve) => child.once('close', () => resolve()));
  let errors = '';
  child.stderr.on('data', (data) => (errors += data));
  const lines: string[] = [];
  for await (const line of createInterface({ input: child.stdout })) {
    lines.push(line);
    const iterations = lines.filter((text) => /^\d/.test(text)).length;
    if (killAfter !== undefined && iterations === killAfter.iterations) {
      setTimeout(() => child.kill('SIGKILL'), killAfter.milliseconds);
    }
  }
  await closed;
  if (child.exitCode !== 0 && child.signalCode !== 'SIGKILL') throw new Error(`The run failed: ${errors}`);
  return lines;
}

const outcome = (folder: string) => ({
  backbone: readFileSync(join(folder, 'backbone.safetensors'), 'base64'),
  heads: readFileSync(join(folder, 'heads.safetensors'), 'base64'),
  state: readFileSync(join(folder, 'checkpoints/00000060/state.safetensors'), 'base64'),
  losses: readFileSync(join(folder, 'metrics.jsonl'), 'utf8')
    .trim()
    .split('\n')
    .map((line) => {
      const { iteration, loss, 'gradientNorm.backbone': norm } = JSON.parse(line) as Record<string, number>;
      return [iteration, loss, norm];
    }),
});

it('a run killed at random moments ends with the weights of one that was not', async () => {
  const whole = join(root, 'whole');
  expect((await run(whole)).at(-1)).toBe('finished true');

  const killed = join(root, 'killed');
  const kills = Array.from({ length: 4 }, () => ({
    iterations: 1 + Math.floor(Math.random() * 14),
    milliseconds: Math.floor(Math.random() * 40),
  }));
  const starts: string[] = [];
  for (const kill of [...kills, undefined]) {
    const lines = await run(killed, kill);
    starts.push(lines.find((line) => line.startsWith('start'))!);
    // A killed run leaves its folder locked.
    const takeovers = lines.filter((line) => /^warning .* was left locked by process \d+/.test(line));
    expect(takeovers).toHaveLength(starts.length > 1 ? 1 : 0);
    if (kill === undefined) expect(lines.at(-1)).toBe('finished true');
  }
  const story = `kills ${JSON.stringify(kills)}, starts ${starts.join(', ')}`;
  // The first checkpoint is that of iteration 3, so later starts have something to continue.
  expect(starts[0]).toBe('start 0');
  const expected = outcome(whole);
  const actual = outcome(killed);
  expect(actual.losses, story).toEqual(expected.losses);
  for (const file of ['state', 'backbone', 'heads'] as const) expect(actual[file] === expected[file], `${file}; ${story}`).toBe(true);
});
