import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { probe, temporaryFolder, tinyWeights } from './program.testing';
import { readResult } from './results/files';

const program = fileURLToPath(new URL('../dist/main.js', import.meta.url));
const { folder, remove } = temporaryFolder();
const data = join(folder, 'pictures');
const cache = join(folder, 'cache', 'features');

beforeAll(async () => {
  if (!existsSync(program)) throw new Error('apps/probe is not built; run `npm run build` first, as `npm test` does');
  // Noise of two amplitudes: enough pictures that extraction takes a while.
  for (const [part, count] of [['train', 60], ['heldout', 10]] as const) {
    for (const [label, amplitude] of [['loud', 120], ['soft', 12]] as const) {
      mkdirSync(join(data, part, label), { recursive: true });
      for (let i = 0; i < count; i++) {
        const pixels = Uint8Array.from({ length: 120 * 120 * 3 }, (_, at) => 128 + amplitude * Math.sin(at * (i + 1) * 0.7919 + i));
        await sharp(pixels, { raw: { width: 120, height: 120, channels: 3 } }).png({ compressionLevel: 1 }).toFile(join(data, part, label, `${i}.png`));
      }
    }
  }
});
afterAll(remove);

/** Images whose features are in the cache: a line each in an index, after its header. */
const cached = (): number =>
  (existsSync(cache) ? readdirSync(cache, { recursive: true }).map(String) : [])
    .filter((name) => name.endsWith('.index.jsonl'))
    .reduce((sum, name) => sum + Math.max(0, readFileSync(join(cache, name), 'utf8').split('\n').length - 2), 0);

describe('a command that is killed', () => {
  it('goes on where it was, with the same result as one that was not', async () => {
    const weights = await tinyWeights(folder);
    const words = ['knn', '--weights', weights, '--data', data, '--k', '5', '--size', '336', '--resize', '336'];
    const child = spawn(process.execPath, [program, ...words, '--out', join(folder, 'killed'), '--cache', cache], { stdio: 'ignore' });
    const ended = new Promise<NodeJS.Signals | null>((resolve) => child.on('close', (_, signal) => resolve(signal)));
    while (child.exitCode === null && cached() === 0) await new Promise((resolve) => setTimeout(resolve, 20));
    child.kill('SIGKILL');
    expect(await ended).toBe('SIGKILL');
    expect(existsSync(join(folder, 'killed'))).toBe(false);

    const again = await probe(folder, [...words, '--out', join(folder, 'again'), '--cache', cache]);
    expect(again.output).toMatch(/tiny, training images: \d+ of 120 are in the cache already/);
    expect(again.code).toBe(0);
    const fresh = await probe(folder, [...words, '--out', join(folder, 'fresh'), '--cache', join(folder, 'other')]);
    expect(fresh.output).not.toContain('in the cache already');
    expect(readResult(join(folder, 'again')).metrics).toEqual(readResult(join(folder, 'fresh')).metrics);
  });
});

describe('the built program', () => {
  const run = (words: readonly string[]) =>
    new Promise<{ code: number | null; output: string }>((resolve) => {
      const child = spawn(process.execPath, [program, ...words], { cwd: folder, env: { ...process.env, NO_COLOR: '1' } });
      let output = '';
      for (const stream of [child.stdout, child.stderr]) stream.on('data', (text: Buffer) => (output += text.toString()));
      child.on('close', (code) => resolve({ code, output }));
    });

  it('shows help, and says what to do without weights', async () => {
    const help = await run(['knn', '--help']);
    expect(help).toMatchObject({ code: 0, output: expect.stringContaining('dinov2-probe knn --baselines') });
    expect(await run(['knn', '--data', data])).toEqual({ code: 2, output: expect.stringMatching(/^error no weights: pass --weights .* or run `npm run pretrain` first/) });
    expect(await run(['knn', '--no-such-option'])).toMatchObject({ code: 2, output: expect.stringContaining("unknown option '--no-such-option'") });
  });
});
