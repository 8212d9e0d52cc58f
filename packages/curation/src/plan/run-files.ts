import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { atomicWrite } from '@dinov2/weights';
import { CurationError } from '../error';
import type { PlannedStep } from './schema';

/** Names of files and folders of a run. */
export const runFiles = {
  plan: 'plan.yaml',
  images: 'images.parquet',
  /** What `images.parquet` and `vectors.npy` were made of. */
  imagesStamp: 'images.json',
  vectors: 'vectors.npy',
  embeddings: 'embeddings',
  steps: 'steps',
  manifest: 'manifest.parquet',
  manifestLines: 'manifest.jsonl',
  result: 'result.json',
  report: 'report.html',
} as const;

/** Names of files of a step. */
export const stepFiles = { decisions: 'decisions.parquet', result: 'result.json', edges: 'edges.parquet', work: 'work' } as const;

/** `02-exact` */
export const stepLabel = ({ name }: Pick<PlannedStep, 'name'>, number: number): string => `${String(number + 1).padStart(2, '0')}-${name}`;

/** Where a step of a run keeps its files; `number` from 0. */
export const stepFolder = (out: string, step: Pick<PlannedStep, 'name'>, number: number): string => join(out, runFiles.steps, stepLabel(step, number));

/** Write JSON so that the file is whole or not there. */
export async function writeJson(path: string, value: unknown): Promise<void> {
  await atomicWrite(path, async (file) => file.writeFile(`${JSON.stringify(value, null, 2)}\n`));
}

/** JSON of a file, or undefined if it is not there. */
export function readJson<T>(path: string): T | undefined {
  if (!existsSync(path)) return undefined;
  try {
    return JSON.parse(readFileSync(path, 'utf8')) as T;
  } catch (cause) {
    throw new CurationError(`${path} is not JSON: ${(cause as Error).message}; delete the file and run again`, { cause });
  }
}
