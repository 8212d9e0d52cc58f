import { spawn, type ChildProcess } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { noPjrtPlugin, pjrtPlugin } from '../../../../tests/support/pjrt-plugin';
import { freePort, has, startServer } from './servers.testing';
import { redisStore } from './redis-store';

const missing = pjrtPlugin === undefined ? noPjrtPlugin : has('redis-server') ? '' : 'no redis-server; apt-get install redis-server';

describe.skipIf(missing !== '')(`three processes${missing && ` (skipped: ${missing})`}`, () => {
  // Below the repository, so that the program finds koffi.
  const folder = mkdtempSync(fileURLToPath(new URL('../../../../node_modules/.dinov2-processes-', import.meta.url)));
  const program = join(folder, 'process.mjs');
  let redis: Awaited<ReturnType<typeof startRedis>>;
  const startRedis = () =>
    startServer('redis-server', async () => {
      const port = await freePort();
      const url = `redis://127.0.0.1:${port}`;
      return { parameters: ['--port', String(port), '--save', '', '--bind', '127.0.0.1'], connect: async () => (await redisStore({ url })).close().then(() => url) };
    });
  const running: ChildProcess[] = [];

  beforeAll(async () => {
    redis = await startRedis();
    await build({
      entryPoints: [fileURLToPath(new URL('process.testing.ts', import.meta.url))],
      outfile: program,
      bundle: true,
      platform: 'node',
      format: 'esm',
      external: ['koffi', 'ioredis'],
      tsconfig: fileURLToPath(new URL('../../../../tsconfig.json', import.meta.url)),
      banner: { js: "import { createRequire as makeRequire } from 'node:module'; const require = makeRequire(import.meta.url);" },
    });
  });
  afterAll(async () => {
    for (const child of running) child.kill('SIGKILL');
    await redis.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  const start = (index: number, processes: number) => {
    const child = spawn(process.execPath, [program, pjrtPlugin!, redis.connection, String(index), String(processes)], { cwd: tmpdir() });
    running.push(child);
    let output = '';
    child.stdout.on('data', (text) => (output += text));
    child.stderr.on('data', (text) => (output += text));
    const ended = new Promise<number | null>((resolve) => child.once('exit', resolve));
    const until = async (pattern: RegExp) => {
      while (!pattern.test(output)) {
        if (child.exitCode !== null) throw new Error(`process ${index} ended with ${child.exitCode}: ${output}`);
        await new Promise((resolve) => setTimeout(resolve, 50));
      }
    };
    return { child, ended, until, output: () => output };
  };

  it.each([
    ['killed', 'SIGKILL', /failed: .*process 1/],
    // Its connections stay open, so that the others wait inside the plugin.
    ['frozen', 'SIGSTOP', /failed: process 1 on .* has not been heard of for [\d.]+ s/],
  ] as const)('work together, stop with a clear error when one is %s, and start again without it', async (_, signal, message) => {
    const all = [0, 1, 2].map((index) => start(index, 3));
    await Promise.all(all.map(({ until }) => until(/step 3: 18\n/)));
    all[1]!.child.kill(signal);
    const lost = performance.now();
    for (const { ended, output } of [all[0]!, all[2]!]) {
      expect(await ended).toBe(7);
      expect(output()).toMatch(message);
    }
    expect(performance.now() - lost).toBeLessThan(60_000);
    const fewer = [0, 1].map((index) => start(index, 2));
    await Promise.all(fewer.map(({ until }) => until(/step 2: 8\n/)));
    for (const { child } of fewer) child.kill('SIGKILL');
  });
});
