import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { stripVTControlCharacters } from 'node:util';
import { describeError, exitCodeOf } from '@dinov2/app-kit';
import { preprocessings } from '@dinov2/augment';
import { initialize, vitConfig } from '@dinov2/vit';
import { saveBackbone } from '@dinov2/weights';
import sharp from 'sharp';
import { vi } from 'vitest';
import { runCommandLine } from './cli';

/** What the program printed, without its colours, and how it would have ended. */
export interface Outcome {
  readonly code: number;
  readonly output: string;
}

/** Run a command line in this process, with the cache in `folder`. */
export async function probe(folder: string, words: readonly string[]): Promise<Outcome> {
  let output = '';
  const write = (text: unknown) => ((output += `${stripVTControlCharacters(String(text))}\n`), true);
  const spies = [
    ...(['log', 'warn', 'error', 'info'] as const).map((method) => vi.spyOn(console, method).mockImplementation((...texts) => void write(texts.join(' ')))),
    vi.spyOn(process.stdout, 'write').mockImplementation(write),
    vi.spyOn(process.stderr, 'write').mockImplementation(write),
  ];
  vi.stubEnv('XDG_CACHE_HOME', join(folder, 'cache'));
  try {
    await runCommandLine(words, '0.0.0');
    return { code: 0, output };
  } catch (error) {
    return { code: exitCodeOf(error), output: `${output}${stripVTControlCharacters(describeError(error, false))}` };
  } finally {
    spies.forEach((spy) => spy.mockRestore());
    vi.unstubAllEnvs();
  }
}

/** A new folder, and how to remove it. */
export function temporaryFolder(): { folder: string; remove(): void } {
  const folder = mkdtempSync(join(tmpdir(), 'probe-'));
  return { folder, remove: () => rmSync(folder, { recursive: true, force: true }) };
}

/** A network of 2 blocks and 32 numbers, random, for pictures of 56 pixels: 4 × 4 patches. */
export async function tinyWeights(folder: string, name = 'tiny.safetensors', seed = 1): Promise<string> {
  const config = vitConfig('tiny', { embedDim: 32, depth: 4, heads: 2, imageSize: 56, registers: 1, layerScale: 1 });
  const path = join(folder, name);
  const preprocessing = { ...preprocessings.dinov2, resize: { shortestEdge: 64 }, crop: { height: 56, width: 56 } };
  await saveBackbone(path, { config, parameters: initialize(config, seed), preprocessing });
  return path;
}

/** Classes that anything tells apart: one colour each, with a little noise. */
export const colours = { blue: [30, 60, 200], green: [40, 170, 60], red: [210, 40, 50] } as const;

/** `folder/train/<colour>` and `folder/heldout/<colour>` with pictures of 64 pixels. */
export async function colourPictures(folder: string, counts: { train: number; heldout: number } = { train: 6, heldout: 3 }): Promise<void> {
  for (const [part, count] of Object.entries(counts)) {
    for (const [name, colour] of Object.entries(colours)) {
      mkdirSync(join(folder, part, name), { recursive: true });
      for (let i = 0; i < count; i++) {
        const seed = i + (part === 'train' ? 0 : 100);
        const pixels = Uint8Array.from({ length: 64 * 64 * 3 }, (_, at) => colour[at % 3]! + ((at * 7919 * (seed + 1)) % 23));
        await sharp(pixels, { raw: { width: 64, height: 64, channels: 3 } }).png().toFile(join(folder, part, name, `${i}.png`));
      }
    }
  }
}
