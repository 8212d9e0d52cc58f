import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { chromium } from 'playwright-core';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const program = fileURLToPath(new URL('../dist/main.js', import.meta.url));
const browser = '/usr/bin/chromium';

let folder: string;

interface Outcome {
  readonly code: number | null;
  readonly output: string;
}

/** Run the built program; `onOutput` sees what it has printed so far. */
function pretrain(words: readonly string[], onOutput?: (output: string, kill: (signal: NodeJS.Signals) => void) => void): Promise<Outcome> {
  return new Promise((resolve) => {
    const child = spawn(process.execPath, [program, ...words], { cwd: folder, env: { ...process.env, NO_COLOR: '1' } });
    let output = '';
    const read = (text: Buffer) => {
      output += text.toString();
      onOutput?.(output, (signal) => child.kill(signal));
    };
    child.stdout.on('data', read);
    child.stderr.on('data', read);
    child.on('close', (code) => resolve({ code, output }));
  });
}

const micro = [
  'model.depth=2', 'crops.globalSize=28', 'crops.localSize=14', 'crops.localCount=2',
  'dino.head.prototypes=32', 'dino.head.hiddenDim=16', 'dino.head.bottleneckDim=8',
  'batchSize=4', 'logEvery=1', 'evaluateEvery=2', 'checkpointEvery=2', 'knn.k=[3, 1]',
];

beforeAll(async () => {
  if (!existsSync(program)) throw new Error('apps/pretrain is not built; run `npm run build` first, as `npm test` does');
  folder = mkdtempSync(join(tmpdir(), 'pretrain-e2e-'));
  // Stripes in three directions, with noise: pictures with something in them.
  for (const [part, count] of [['train', 6], ['heldout', 3]] as const) {
    for (const [label, dx, dy] of [['across', 0, 1], ['down', 1, 0], ['slanting', 1, 1]] as const) {
      mkdirSync(join(folder, 'labelled', part, label), { recursive: true });
      for (let i = 0; i < count; i++) {
        const pixels = Uint8Array.from({ length: 48 * 40 * 3 }, (_, at) => {
          const [x, y] = [Math.floor(at / 3) % 48, Math.floor(at / 144)];
          return 128 + 90 * Math.sin((x * dx + y * dy) / 2 + i) + ((at * 7919 * (i + 1)) % 31);
        });
        await sharp(pixels, { raw: { width: 48, height: 40, channels: 3 } }).png().toFile(join(folder, 'labelled', part, label, `${i}.png`));
      }
    }
  }
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe('dinov2-pretrain', () => {
  it('trains, evaluates and reports', async () => {
    const { code, output } = await pretrain(['--data', 'labelled/train', '--eval', 'labelled', '--out', 'run', '--steps', '4', ...micro]);
    expect(output).toMatch(/engine {3}onnx \(ONNX Runtime .*\) on CPU, .*float32: compiled steps/);
    expect(output).toMatch(/k-NN of raw pixels: .*% \(k = 1\)/);
    expect(output).toMatch(/step 4\/4 {2}loss \d+\.\d+ \(dino .*ibot .*koleo .*lr .*images\/s {2}0 s left/);
    expect(code).toBe(0);
    const files = readdirSync(join(folder, 'run'));
    for (const file of ['settings.yaml', 'metrics.jsonl', 'evaluations.jsonl', 'backbone.safetensors', 'initial-backbone.safetensors', 'checkpoints', 'tensorboard', 'report.html']) {
      expect(files).toContain(file);
    }
    const evaluations = readFileSync(join(folder, 'run', 'evaluations.jsonl'), 'utf8').trim().split('\n').map((line) => JSON.parse(line) as { iteration: number });
    expect(evaluations.map((e) => e.iteration)).toEqual([0, 1, 2, 3, 4].filter((n) => evaluations.some((e) => e.iteration === n)));
    expect(evaluations.at(-1)!.iteration).toBe(4);
  });

  it.skipIf(!existsSync(browser))(`writes a report that a browser opens without a request or an error (needs ${browser})`, async () => {
    const opened = await chromium.launch({
      executablePath: browser,
      args: ['--headless', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync'],
    });
    try {
      const page = await opened.newPage();
      const problems: string[] = [];
      page.on('pageerror', (error) => problems.push(error.message));
      page.on('console', (message) => message.type() === 'error' && problems.push(message.text()));
      page.on('request', (request) => /^(file|data|blob):/.test(request.url()) || problems.push(request.url()));
      await page.goto(pathToFileURL(join(folder, 'run', 'report.html')).href);
      await page.waitForFunction(() => document.documentElement.dataset['ready'] === 'true');
      expect(problems).toEqual([]);
      expect(await page.locator('canvas').count()).toBeGreaterThan(5);
      expect(await page.locator('.strip img').count()).toBe(4 * 9);
      const broken = await page.locator('img').evaluateAll((images) => images.filter((image) => (image as HTMLImageElement).naturalWidth === 0).length);
      expect(broken).toBe(0);
      expect(await page.locator('.lede').innerText()).toMatch(/4 steps on 16 views.*held-out/s);
    } finally {
      await opened.close();
    }
  });

  it('makes the report again', async () => {
    rmSync(join(folder, 'run', 'report.html'));
    const { code } = await pretrain(['report', 'run']);
    expect(code).toBe(0);
    expect(existsSync(join(folder, 'run', 'report.html'))).toBe(true);
  });

  it('saves on SIGINT and goes on where it was', async () => {
    const words = ['--data', 'labelled/train', '--out', 'stopped', 'iterations=40', 'optimizer.warmupIterations=2', ...micro];
    let sent = false;
    const stopped = await pretrain(words, (output, kill) => {
      if (!sent && output.includes('step 3/40')) {
        sent = true;
        kill('SIGINT');
      }
    });
    expect(stopped.code).toBe(130);
    const done = Number(/stopped after step (\d+) and saved/.exec(stopped.output)?.[1]);
    expect(done).toBeGreaterThanOrEqual(3);
    expect(done).toBeLessThan(40);
    const resumed = await pretrain(words);
    expect(resumed.code).toBe(0);
    expect(resumed.output).toContain(`continued after step ${done}`);
    const steps = readFileSync(join(folder, 'stopped', 'metrics.jsonl'), 'utf8').trim().split('\n').map((line) => (JSON.parse(line) as { iteration: number }).iteration);
    expect(steps).toEqual(Array.from({ length: 40 }, (_, i) => i));
  });

  it('says what a run would cost', async () => {
    const { code, output } = await pretrain(['--data', 'labelled/train', '--dry-run', ...micro]);
    expect(code).toBe(0);
    for (const line of [/^model {4}ViT-Ti\/14, 2 blocks, .*M parameters/m, /^data {5}18 images/m, /^step {5}4 images, .*FLOP/m, /^memory {3}.*iB/m, /^speed {4}.*images\/s/m, /^time {5}/m]) {
      expect(output).toMatch(line);
    }
    expect(existsSync(join(folder, 'runs'))).toBe(false);
  });

  it.each([
    [['--help'], 0, /Examples:[\s\S]*dinov2-pretrain report/],
    [['--data', 'missing'], 2, /no folder or list of images at missing/],
    [['--data', 'labelled/train', '--eval', 'labelled/train'], 2, /has no train\/ and heldout\//],
    [['model.siz=tiny'], 2, /did you mean "model.size"/],
    [['--model', 'huge'], 2, /Allowed choices are tiny/],
    [['report', 'labelled'], 2, /holds no run/],
  ] as const)('answers %j with code %i', async (words, expected, message) => {
    const { code, output } = await pretrain(words);
    expect(output).toMatch(message);
    expect(code).toBe(expected);
  });
});
