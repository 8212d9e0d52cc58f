import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { createRandom } from '@dinov2/primitives';
import { readSafetensors } from '@dinov2/weights';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { noPjrtPlugin, pjrtPlugin } from '../../../tests/support/pjrt-plugin';

const program = fileURLToPath(new URL('../dist/main.js', import.meta.url));
const redis = spawnSync('redis-server', ['--version']).status === 0;
const missing = pjrtPlugin === undefined ? noPjrtPlugin : redis ? undefined : 'no redis-server; apt-get install redis-server brings one';

let folder: string;
let server: ChildProcess;
let store: string;

interface Outcome {
  readonly code: number | null;
  readonly output: string;
}

/** A process of the program with its own devices; `done` resolves when it has ended. */
function start(devices: number, ...words: string[]): { child: ChildProcess; seen(pattern: RegExp): Promise<void>; done: Promise<Outcome> } {
  const child = spawn(process.execPath, [program, '--engine', 'xla', '--plugin', pjrtPlugin!, '--data', 'pictures', '--out', 'run', ...micro, ...words], {
    cwd: folder,
    env: { ...process.env, NO_COLOR: '1', CI: '', PJRT_CPU_DEVICES: String(devices), XDG_CACHE_HOME: join(folder, 'cache') },
  });
  let output = '';
  const watchers = new Set<() => void>();
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (text: Buffer) => {
      output += text.toString();
      watchers.forEach((look) => look());
    });
  }
  const done = new Promise<Outcome>((resolve) => child.on('close', (code) => resolve({ code, output })));
  const seen = (pattern: RegExp): Promise<void> =>
    new Promise((resolve, reject) => {
      const look = () => pattern.test(output) && resolve();
      watchers.add(look);
      look();
      void done.then(() => reject(new Error(`the program ended before ${pattern}: ${output}`)));
    });
  return { child, seen, done };
}

const micro = [
  '--steps', '400', 'model.depth=1', 'crops.globalSize=28', 'crops.localSize=14', 'crops.localCount=2', 'dino.head.prototypes=32', 'dino.head.hiddenDim=16',
  'dino.head.bottleneckDim=8', 'batchSize=2', 'logEvery=1', 'checkpointEvery=2',
];

beforeAll(async () => {
  if (missing !== undefined) return;
  folder = mkdtempSync(join(tmpdir(), 'pretrain-hosts-'));
  const pictures = join(folder, 'pictures');
  spawnSync('mkdir', [pictures]);
  const random = createRandom(3);
  for (let i = 0; i < 16; i++) {
    const pixels = Uint8Array.from({ length: 40 * 40 * 3 }, (_, at) => 128 + 90 * Math.sin((Math.floor(at / 3) % 40) / (1 + i)) + random.integer(30));
    await sharp(pixels, { raw: { width: 40, height: 40, channels: 3 } }).png().toFile(join(pictures, `${i}.png`));
  }
  const port = await new Promise<number>((resolve) => {
    const probe = createServer().listen(0, '127.0.0.1', () => {
      const { port: free } = probe.address() as AddressInfo;
      probe.close(() => resolve(free));
    });
  });
  store = `redis://127.0.0.1:${port}`;
  server = spawn('redis-server', ['--port', String(port), '--save', ''], { stdio: 'ignore', cwd: folder });
  for (let i = 0; i < 100 && spawnSync('redis-cli', ['-p', String(port), 'ping']).status !== 0; i++) await new Promise((resolve) => setTimeout(resolve, 100));
});

afterAll(() => {
  if (missing !== undefined) return;
  server.kill('SIGKILL');
  rmSync(folder, { recursive: true, force: true });
});

const lastIteration = (): number => Number(readFileSync(join(folder, 'run', 'metrics.jsonl'), 'utf8').trim().split('\n').map((line) => JSON.parse(line) as { iteration: number }).at(-1)!.iteration);
const newest = (): string => readdirSync(join(folder, 'run', 'checkpoints')).filter((name) => /^\d+$/.test(name)).sort().at(-1)!;

describe.skipIf(missing !== undefined)(missing ?? 'training on several hosts', () => {
  it('ends within a minute when a process is killed, and goes on with the devices that are left', async () => {
    const together = [0, 1].map((index) => start(2, '--mesh', '1x4', '--store', store, '--hosts', '2', '--host', String(index)));
    // Whole lines: the fourth step of 400 has been made, so that there is a checkpoint.
    await together[0]!.seen(/step 5\/400 /);
    const killed = Date.now();
    together[1]!.child.kill('SIGKILL');
    const { code, output } = await together[0]!.done;
    expect(Date.now() - killed).toBeLessThan(60_000);
    expect(code).toBe(1);
    expect(output).toMatch(/error .*process 1 .*Start all processes again and the run continues, also on fewer devices/s);

    const checkpoint = newest();
    expect(readdirSync(join(folder, 'run', 'checkpoints', checkpoint)).sort()).toEqual(['manifest.json', 'state-00000-of-00002.safetensors', 'state-00001-of-00002.safetensors']);

    const alone = start(2, '--mesh', '1x2');
    await alone.seen(new RegExp(`continued after step ${Number(checkpoint)}\\b`));
    await alone.seen(new RegExp(`step ${Number(checkpoint) + 3}/400 `));
    alone.child.kill('SIGTERM');
    const left = await alone.done;
    expect(left.output).toMatch(/stopped after step \d+ and saved/);
    expect(lastIteration()).toBeGreaterThan(Number(checkpoint));
    // The run keeps the four batches of a step that it began with.
    expect(readFileSync(join(folder, 'run', 'settings.yaml'), 'utf8')).toMatch(/^shards: 4$/m);
  }, 300_000);

  it('evaluates together, and ends with whole weights and a report', async () => {
    for (const part of ['train/a', 'train/b', 'heldout/a', 'heldout/b']) cpSync(join(folder, 'pictures'), join(folder, 'labelled', part), { recursive: true });
    const together = [0, 1].map((index) =>
      start(2, '--mesh', '1x4', '--store', store, '--hosts', '2', '--host', String(index), '--out', 'whole', '--steps', '2', '--eval', 'labelled', 'knn.k=[1]'),
    );
    const outcomes = await Promise.all(together.map(({ done }) => done));
    expect(outcomes.map(({ code }) => code), outcomes[1]!.output).toEqual([0, 0]);
    expect(outcomes[0]!.output).toMatch(/k-NN after 2 steps: .*report .*weights /s);
    expect(outcomes[1]!.output).not.toMatch(/k-NN|step/);
    expect(readdirSync(join(folder, 'whole'))).toEqual(expect.arrayContaining(['backbone.safetensors', 'heads.safetensors', 'report.html']));
    const evaluations = readFileSync(join(folder, 'whole', 'evaluations.jsonl'), 'utf8').trim().split('\n');
    expect(evaluations.map((line) => (JSON.parse(line) as { iteration: number }).iteration)).toEqual([0, 1, 2]);
    const { tensors } = await readSafetensors(join(folder, 'whole', 'backbone.safetensors'));
    expect(tensors['blocks.0.attn.qkv.weight']!.shape).toEqual([576, 192]);
  }, 300_000);

  it('says in which a process differs from the first', async () => {
    const together = [0, 1].map((index) => start(1, '--store', store, '--hosts', '2', '--host', String(index), '--out', 'different', `seed=${index}`));
    const [, other] = await Promise.all(together.map(({ done }) => done));
    expect(other!.code).toBe(1);
    expect(other!.output).toMatch(/Process 1 differs from process 0 in seed: 0 -> 1; start all processes with the same command/);
  }, 300_000);

  it('stops all processes together when one of them is asked to', async () => {
    const together = [0, 1].map((index) => start(2, '--mesh', '2x2', '--store', store, '--hosts', '2', '--host', String(index)));
    await together[0]!.seen(/step \d+\/400 /);
    together[1]!.child.kill('SIGTERM');
    const outcomes = await Promise.all(together.map(({ done }) => done));
    expect(outcomes.map(({ code }) => code)).toEqual([130, 130]);
    expect(outcomes[0]!.output).toMatch(/stopped after step (\d+) and saved/);
    expect(outcomes[1]!.output).not.toMatch(/step/);
    expect(Number(newest())).toBe(lastIteration() + 1);
  }, 300_000);
});

it.skipIf(missing !== undefined)('says what is missing on the command line', async () => {
  expect((await start(1, '--hosts', '2').done).output).toMatch(/--hosts says nothing without --store/);
  expect((await start(1, '--store', store).done).output).toMatch(/--store needs --hosts and --host/);
  expect((await start(1, '--store', 'localhost:6379', '--hosts', '2', '--host', '0').done).output).toMatch(/expected redis:\/\/host:6379/);
});
