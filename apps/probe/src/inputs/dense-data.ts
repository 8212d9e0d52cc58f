import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { type Dataset, openSplits, readSample, type Sample } from '@dinov2/data';
import type { DenseInput } from '@dinov2/evaluation';
import type { Extractor } from '@dinov2/features';
import { makeScenes } from '../commands/scenes';
import { ProbeError } from '../error';
import { writeText } from '../results/files';

/** Pictures with truth for every pixel. */
export interface DenseData {
  readonly path: string;
  readonly train: Dataset;
  readonly test: Dataset;
}

/** Name of the file that stands beside made-up scenes when all of them are there. */
const FINISHED = 'finished';

/**
 * Open training and test pictures that all have a mask, or a depth map. Without a path, scenes are made
 * up beside the cache, once.
 */
export async function openDenseData(path: string | undefined, test: string | undefined, kind: 'masks' | 'depths', cache: string): Promise<DenseData> {
  const place = path ?? (await defaultScenes(cache));
  const splits = openSplits(place, { ...(test !== undefined && { test }) });
  for (const [name, dataset] of Object.entries(splits) as [string, Dataset][]) {
    const known = dataset[kind];
    const missing = dataset.paths.filter((_, i) => known?.[i] === undefined);
    if (missing.length > 0) {
      const what = kind === 'masks' ? 'mask' : 'depth map';
      throw new ProbeError(
        `${missing.length} of ${dataset.paths.length} ${name} pictures of ${place} have no ${what}, the first is ${missing[0]}; put ${kind}/ beside images/, or pass a list with a column ${kind.slice(0, -1)}`,
      );
    }
  }
  return { path: place, ...splits };
}

async function defaultScenes(cache: string): Promise<string> {
  const out = join(dirname(cache), 'scenes');
  const finished = join(out, FINISHED);
  if (existsSync(finished)) return out;
  console.log(`no --data: making up 300 scenes with exact masks and depths in ${out}`);
  await makeScenes(out, { count: 240, size: 224, seed: 0 });
  writeText(finished, '');
  return out;
}

/** Samples by number for training and evaluation, each checked as it is read. */
export function samplesOf<T>(dataset: Dataset, convert: (sample: Sample, i: number) => T, options: { depthScale?: number } = {}): { length: number; sample(i: number): Promise<T> } {
  return { length: dataset.paths.length, sample: async (i) => convert(await readSample(dataset, i, options), i) };
}

/** An extractor as heads on patch tokens take it. */
export function denseInput(extractor: Extractor): DenseInput {
  const { patchSize, preprocessing } = extractor;
  return {
    extract: ({ data, shape }) => extractor.extract({ data: data as Float32Array, shape }),
    patchSize,
    mean: preprocessing.mean,
    std: preprocessing.std,
  };
}
