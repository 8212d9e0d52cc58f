import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { mkdir, readdir, readFile, rename, rm, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import type { Hosts } from '@dinov2/jit';
import { atomicWrite, type LazyTensor, syncFolder, writeSafetensors, type WrittenFile } from '@dinov2/weights';
import { imagesPerStep, type TrainerConfig } from './config';
import { configHash } from './config-difference';
import { TrainerError } from './errors';
import type { LossScale } from './loss-scale';

/** Where a run stands, next to its tensors. */
export interface Progress {
  /** Iterations done; the next one to run has this number. */
  readonly iteration: number;
  /** Optimizer steps applied: iterations less those skipped by the NaN guard. */
  readonly updates: number;
  /** Those of {@link updates} in which the backbone was frozen; absent if none. */
  readonly frozenUpdates?: number;
  /** Iterations skipped in a row up to here. */
  readonly skippedInARow: number;
  /** Where the number format needs one. */
  readonly lossScale?: LossScale;
}

interface CheckpointManifest extends Progress {
  readonly version: 1;
  /** Images seen. */
  readonly images: number;
  /** Images in the data, to tell a resumed run that its data changed. */
  readonly dataLength: number;
  readonly config: TrainerConfig;
  readonly configHash: string;
  readonly files: Readonly<Record<string, WrittenFile>>;
}

const manifestFile = 'manifest.json';

/** The tensors' file of one of `count` processes. */
const stateFile = (index: number, count: number): string => {
  if (count === 1) return 'state.safetensors';
  const padded = (n: number): string => String(n).padStart(5, '0');
  return `state-${padded(index)}-of-${padded(count)}.safetensors`;
};

/**
 * Save a checkpoint as `folder/<iteration>/` and delete all but the newest `keep`.
 *
 * It is written aside, synced, and renamed when whole; older ones go after that. A failure (a full
 * disk) therefore leaves them as they were. Where several processes train together, each writes the parts
 * that it holds to a file of its own, and the first of them, when all have, the manifest.
 *
 * @throws TrainerError if it cannot be written.
 */
export async function saveCheckpoint(
  folder: string,
  progress: Progress & { readonly dataLength: number },
  config: TrainerConfig,
  tensors: Readonly<Record<string, LazyTensor>>,
  hosts?: Hosts,
): Promise<string> {
  const name = String(progress.iteration).padStart(8, '0');
  const path = join(folder, name);
  const aside = `${path}.partial`;
  // Runs are bit-exact, so one of this iteration that is already there is the same.
  if ((await listCheckpoints(folder)).includes(name)) return path;
  const { index, count } = hosts ?? { index: 0, count: 1 };
  const first = index === 0;
  try {
    if (first) await rm(aside, { recursive: true, force: true });
    await hosts?.barrier(`checkpoint ${name} begins`);
    await mkdir(aside, { recursive: true });
    const own = stateFile(index, count);
    const written = await writeSafetensors(join(aside, own), tensors);
    await atomicWrite(join(aside, `${own}.json`), (file) => file.writeFile(JSON.stringify(written)));
    await hosts?.barrier(`checkpoint ${name} is written`);
    if (first) await finish(aside, path, count, progress, config);
    await hosts?.barrier(`checkpoint ${name} is whole`);
  } catch (error) {
    if (first) await rm(aside, { recursive: true, force: true });
    throw new TrainerError(
      `The checkpoint of iteration ${progress.iteration} was not saved: ${(error as Error).message} Older checkpoints in ${folder} are untouched; start the run again to continue from the newest.`,
      { cause: error },
    );
  }
  if (!first) return path;
  const old = (await listCheckpoints(folder)).slice(0, -config.keepCheckpoints);
  for (const stale of old) await rm(join(folder, stale), { recursive: true, force: true });
  return path;
}

/** Write the manifest over the files of all processes, and give the checkpoint its name. */
async function finish(aside: string, path: string, count: number, progress: Progress & { readonly dataLength: number }, config: TrainerConfig): Promise<void> {
  const files: Record<string, WrittenFile> = {};
  // By name: a listing would not show that one is missing.
  for (let index = 0; index < count; index++) {
    const file = stateFile(index, count);
    const note = join(aside, `${file}.json`);
    files[file] = JSON.parse(await readNote(note, index)) as WrittenFile;
    await rm(note);
  }
  const manifest: CheckpointManifest = {
    version: 1,
    ...progress,
    images: progress.iteration * imagesPerStep(config),
    config,
    configHash: configHash(config),
    files,
  };
  await atomicWrite(join(aside, manifestFile), (file) => file.writeFile(`${JSON.stringify(manifest, null, 2)}\n`));
  await rename(aside, path);
  await syncFolder(dirname(path));
}

function readNote(path: string, index: number): Promise<string> {
  return readFile(path, 'utf8').catch((cause: unknown) => {
    throw new TrainerError(`process ${index} has written its part, and it is not at ${path}: the run folder has to be on storage that all hosts see.`, { cause });
  });
}

/** The newest checkpoint of a folder that is whole. */
export interface FoundCheckpoint {
  readonly manifest: CheckpointManifest;
  /** Paths of its safetensors files, one per process that wrote it. */
  readonly state: readonly string[];
}

/**
 * Find the newest whole checkpoint, its sizes and hashes checked.
 *
 * One that is damaged is reported to `warn`, renamed to `<iteration>.invalid`, in place of an older
 * one of that name, and passed over.
 */
export async function findCheckpoint(folder: string, warn: (message: string) => void): Promise<FoundCheckpoint | undefined> {
  for (const name of (await listCheckpoints(folder)).reverse()) {
    const path = join(folder, name);
    const fault = await damage(path);
    if (typeof fault !== 'string') return { manifest: fault, state: Object.keys(fault.files).map((file) => join(path, file)) };
    // A directory cannot be renamed onto one that is not empty.
    await rm(`${path}.invalid`, { recursive: true, force: true });
    await rename(path, `${path}.invalid`);
    warn(`The checkpoint ${path} is damaged (${fault}); it was renamed to ${name}.invalid and the one before it is used.`);
  }
  return undefined;
}

/** The manifest of a whole checkpoint, or what is wrong with it. */
async function damage(path: string): Promise<CheckpointManifest | string> {
  try {
    const manifest = JSON.parse(await readFile(join(path, manifestFile), 'utf8')) as CheckpointManifest;
    for (const [name, { bytes, sha256 }] of Object.entries(manifest.files)) {
      const { size } = await stat(join(path, name));
      if (size !== bytes) return `${name} has ${size} bytes instead of ${bytes}`;
      const hash = createHash('sha256');
      await pipeline(createReadStream(join(path, name)), hash);
      if (hash.digest('hex') !== sha256) return `the contents of ${name} do not have the recorded SHA-256`;
    }
    return manifest;
  } catch (error) {
    return (error as Error).message;
  }
}

/** Names of finished checkpoints, oldest first. */
async function listCheckpoints(folder: string): Promise<string[]> {
  const names = await readdir(folder).catch(() => []);
  return names.filter((name) => /^\d{8}$/.test(name)).sort();
}
