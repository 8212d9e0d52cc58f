import { mkdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { HostArray } from '@dinov2/vit';
import type { FeatureTable } from '@dinov2/features';
import { writeSafetensors } from '@dinov2/weights';
import type { LookingOptions } from '../inputs/looking';
import { openPictures } from '../inputs/picture-data';
import { defaultWeights } from '../inputs/defaults';
import { tableOf } from '../inputs/extract';
import { subjectsOf } from '../inputs/subjects';
import { defaultOut, readWeights } from '../inputs/weights';
import { csvLines } from '../results/csv';
import { writeText } from '../results/files';
import { npy } from '../results/npy';
import { version } from '../version';

export interface ExtractOptions extends LookingOptions {
  /** Class tokens of so many last blocks. */
  readonly blocks: number;
  readonly meanPatch: boolean;
  readonly patches: boolean;
  readonly attention: boolean;
  readonly format: 'safetensors' | 'npy';
}

/** Features of a folder to files: `.safetensors`, or one `.npy` each, and `images.csv` with path and class of each row. */
export async function extractCommand(options: ExtractOptions): Promise<void> {
  const { blocks, meanPatch, patches, attention, format } = options;
  const path = options.weights[0] ?? defaultWeights();
  const weights = await readWeights(path);
  const out = options.out ?? defaultOut(path, 'extract');
  const source = openPictures(options.data);
  const [subject] = subjectsOf(weights, { ...options, baselines: false, seed: 0 });
  const { depth } = subject!.config;
  const extractor = await subject!.open({ classTokens: blocks, meanPatch, attention, ...(patches && { patchTokens: [depth - 1] }) });
  let table: FeatureTable;
  try {
    table = await tableOf(extractor, source, 'images', options);
  } finally {
    await extractor.dispose();
  }
  const arrays: Record<string, Rows> = {
    ...(blocks > 0 && { class_tokens: classTokens(table, blocks) }),
    ...(meanPatch && { mean_patch: whole(table.meanPatches()) }),
    ...(patches && { patch_tokens: await perImage(table.count, (i) => table.patchTokens(i), 1) }),
    ...(attention && { attention: await perImage(table.count, (i) => table.attention(i), 0) }),
  };
  const files = await (format === 'npy' ? writeNpy(out, arrays) : writeTensors(join(out, 'features.safetensors'), arrays, weights.name));
  await table.close();
  const rows = table.paths.map((file, i) => {
    const label = source.labels[table.indices[i]!]!;
    return [file, label < 0 ? '' : source.classes[label]!];
  });
  files.push(writeText(join(out, 'images.csv'), csvLines([['path', 'label'], ...rows])));
  for (const [name, { shape }] of Object.entries(arrays)) console.log(`${name.padEnd(14)} (${shape.join(', ')})`);
  console.log(`features ${files.join(', ')}`);
}

/** An array of which the first dimension is images, read when it is written. */
interface Rows {
  readonly shape: readonly number[];
  load(): Promise<Float32Array>;
}

const whole = ({ data, shape }: HostArray): Rows => ({ shape, load: async () => data });

/** (N, blocks, D), the last block last. */
function classTokens(table: FeatureTable, blocks: number): Rows {
  const parts = Array.from({ length: blocks }, (_, i) => table.classTokens(blocks - i));
  const width = parts[0]!.shape[1]!;
  return {
    shape: [table.count, blocks, width],
    load: async () => {
      const data = new Float32Array(table.count * blocks * width);
      parts.forEach((part, block) => {
        for (let row = 0; row < table.count; row++) data.set(part.data.subarray(row * width, (row + 1) * width), (row * blocks + block) * width);
      });
      return data;
    },
  };
}

/** (N, …) of what is read image by image; `dropped` leading dimensions of size 1 are left out. */
async function perImage(count: number, read: (i: number) => Promise<HostArray>, dropped: number): Promise<Rows> {
  const shape = (await read(0)).shape.slice(dropped);
  const size = shape.reduce((a, b) => a * b, 1);
  return {
    shape: [count, ...shape],
    load: async () => {
      const data = new Float32Array(count * size);
      for (let i = 0; i < count; i++) data.set((await read(i)).data, i * size);
      return data;
    },
  };
}

async function writeTensors(path: string, arrays: Readonly<Record<string, Rows>>, name: string): Promise<string[]> {
  mkdirSync(dirname(path), { recursive: true });
  await writeSafetensors(path, Object.fromEntries(Object.entries(arrays).map(([key, { shape, load }]) => [key, { shape, dtype: 'F32' as const, load }])), {
    weights: name,
    writer: `dinov2-probe ${version}`,
  });
  return [path];
}

async function writeNpy(out: string, arrays: Readonly<Record<string, Rows>>): Promise<string[]> {
  const files: string[] = [];
  for (const [name, { shape, load }] of Object.entries(arrays)) files.push(writeText(join(out, `${name}.npy`), npy(await load(), shape)));
  return files;
}
