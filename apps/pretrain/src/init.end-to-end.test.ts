import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import '@tensorflow/tfjs';
import { initialize, resamplePositions, vitConfig } from '@dinov2/vit';
import { loadPretrained, saveBackbone, saveHuggingFace } from '@dinov2/weights';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const program = fileURLToPath(new URL('../dist/main.js', import.meta.url));
let folder: string;

interface Outcome {
  readonly code: number | null;
  readonly output: string;
}

/** Run the built program; it is sent SIGINT when it has printed `stopAt`. */
function pretrain(words: readonly string[], stopAt?: string): Promise<Outcome> {
  return new Promise((resolve) => {
    const child = spawn(process.execPath, [program, ...words], { cwd: folder, env: { ...process.env, NO_COLOR: '1' } });
    let output = '';
    let sent = false;
    const read = (text: Buffer) => {
      output += text.toString();
      if (stopAt !== undefined && !sent && output.includes(stopAt)) sent = child.kill('SIGINT');
    };
    child.stdout.on('data', read);
    child.stderr.on('data', read);
    child.on('close', (code) => resolve({ code, output }));
  });
}

const micro = [
  'crops.globalSize=28', 'crops.localSize=14', 'crops.localCount=2',
  'dino.head.prototypes=32', 'dino.head.hiddenDim=16', 'dino.head.bottleneckDim=8',
  'batchSize=4', 'logEvery=1', 'evaluateEvery=2', 'checkpointEvery=2', 'knn.k=[3, 1]',
];
const labelled = ['--data', 'labelled/train', '--eval', 'labelled'];

const read = (name: string) => readFileSync(join(folder, name), 'utf8');
const lines = <T>(name: string) => read(name).trim().split('\n').map((line) => JSON.parse(line) as T);
const evaluations = (run: string) => lines<{ iteration: number; knn: unknown; spread: { featureStd: number } }>(join(run, 'evaluations.jsonl'));
const load = (path: string) => loadPretrained(join(folder, path), { log: false });

beforeAll(async () => {
  if (!existsSync(program)) throw new Error('apps/pretrain is not built; run `npm run build` first, as `npm test` does');
  folder = mkdtempSync(join(tmpdir(), 'pretrain-init-'));
  for (const [part, count] of [['train', 6], ['heldout', 3]] as const) {
    for (const [label, dx, dy] of [['across', 0, 1], ['down', 1, 0]] as const) {
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
  const first = await pretrain([...labelled, '--out', 'first', '--steps', '4', 'model.depth=2', ...micro]);
  expect(first.output).toMatch(/dinov2-weights convert \S*first OUT --to huggingface/);
  expect(first.code).toBe(0);
  const trained = await load('first');
  await saveHuggingFace(join(folder, 'hugging-face'), trained, { log: false });
  const rotary = vitConfig('dinov3-small', { depth: 1 });
  await saveBackbone(join(folder, 'rotary.safetensors'), { config: rotary, parameters: initialize(rotary, 0) });
}, 120_000);
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe('--init', () => {
  it('goes on from a finished run, heads included, where that one ended', async () => {
    const { code, output } = await pretrain([...labelled, '--init', 'first', '--steps', '2', ...micro]);
    expect(output).toMatch(/^heads {4}DINO of the weights$/m);
    expect(output).not.toContain('frozen');
    expect(output).toMatch(/k-NN of random weights: .*%/);
    expect(output).toMatch(/k-NN of the loaded weights: .*%/);
    expect(code).toBe(0);
    const run = 'runs/train-from-first';
    // What the earlier run measured at its end is what this one measures before its first step, to the bit.
    expect(evaluations(run)[0]).toEqual({ ...evaluations('first').at(-1), iteration: 0 });
    expect((await load(`${run}/initial-backbone.safetensors`)).parameters).toEqual((await load('first')).parameters);
    const report = read(`${run}/report.html`).replace(/<[^>]+>/g, '');
    expect(report).toMatch(/Trained from the weights of first for 2 steps/);
    expect(report).toMatch(/random weights.*loaded weights.*trained/s);
    expect(report).toContain('Effective rank of class tokens');
  });

  const fromFolder = [...labelled, '--init', 'hugging-face', '--freeze-backbone', '4', '--out', 'adapted', 'iterations=8', 'optimizer.warmupIterations=2', ...micro, 'crops.globalSize=42'];

  it('says what it would load', async () => {
    const { code, output } = await pretrain([...fromFolder, '--dry-run']);
    expect(code).toBe(0);
    expect(output).toMatch(/^model {4}ViT-Ti\/14, 2 blocks, /m);
    expect(output).toMatch(/^init {5}.*hugging-face/m);
    expect(output).toMatch(/^heads {4}fresh$/m);
    expect(output).toMatch(/^grid {5}position table resampled from 2 x 2 to 3 x 3 patches/m);
    expect(output).toMatch(/^frozen {3}backbone frozen until step 4 /m);
    expect(output).toMatch(/FLOP and .* in each of the 4 with the backbone frozen/);
    expect(existsSync(join(folder, 'adapted'))).toBe(false);
  });

  it('resamples positions, keeps a Hugging Face backbone still at first, and continues when the folder is gone', async () => {
    const weights = await load('hugging-face');
    const stopped = await pretrain(fromFolder, 'step 2/8');
    expect(stopped.code).toBe(130);
    expect(stopped.output).toMatch(/step 2\/8 .* backbone frozen until step 4/);
    const start = await load('adapted/initial-backbone.safetensors');
    expect(start.parameters).toEqual((await resamplePositions(weights, 42)).parameters);

    rmSync(join(folder, 'hugging-face'), { recursive: true });
    const resumed = await pretrain(fromFolder);
    expect(resumed.output).toContain('position table resampled from 2 x 2 to 3 x 3');
    expect(resumed.code).toBe(0);
    const log = lines<{ iteration: number; backboneLearningRate: number }>('adapted/metrics.jsonl');
    expect(log.map(({ iteration }) => iteration)).toEqual([0, 1, 2, 3, 4, 5, 6, 7]);
    expect(log.map(({ backboneLearningRate: rate }) => rate > 0)).toEqual([false, false, false, false, false, true, true, true]);
    // Frozen: what the features are like did not change.
    const [before, , whileFrozen, ...after] = [0, 2, 4, 6, 8].map((step) => evaluations('adapted').find(({ iteration }) => iteration === step)!);
    expect(whileFrozen!.spread).toEqual(before!.spread);
    expect(after.at(-1)!.spread).not.toEqual(before!.spread);
    expect((await load('adapted')).config).toEqual(start.config);

    const other = await pretrain(fromFolder.map((word) => (word === 'hugging-face' ? 'first' : word)));
    expect(other.output).toMatch(/differs in init: "hugging-face" -> "first".*--allow-changes/);
    expect(other.code).toBe(1);
  });

  it.each<[string, string[], RegExp, number]>([
    ['are missing', ['--init', 'missing'], /--init missing: /, 2],
    ['have a patch that the crops do not divide into', ['--init', 'first', ...micro, 'crops.globalSize=30'], /crops.globalSize 30 is no multiple of model.patchSize 14/, 2],
    ['are of another model than asked for', ['--init', 'first', '--model', 'small'], /--model: model.size is small, and in first it is tiny/, 2],
    ['have rotary positions', ['--init', 'rotary.safetensors'], /rotary positions \(DINOv3\)/, 2],
    ['have heads of another size', ['--init', 'first', '--steps', '2', ...micro, 'dino.head.prototypes=64', '--out', 'heads'],
      /dino.head.prototypes is 64, in the weights 32. .*initHeads=false/, 1],
  ])('refuses weights that %s', async (_, words, message, expected) => {
    const { code, output } = await pretrain(['--data', 'labelled/train', ...words]);
    expect(output).toMatch(message);
    expect(output).not.toMatch(/\n\s+at /);
    expect(code).toBe(expected);
  });
});
