import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { mkdir, readdir, readFile, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
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

const stateFile = 'state.safetensors';
const manifestFile = 'manifest.json';

/**
 * Save a checkpoint as `folder/<iteration>/` and delete all but the newest `keep`.
 *
 * It is written aside, synced, and renamed when whole; older ones go after that. A failure (a full
 * disk) therefore leaves them as they were.
 *
 * @throws TrainerError if it cannot be written.
 */
export async function saveCheckpoint(
  folder: string,
  progress: Progress & { readonly dataLength: number },
  config: TrainerConfig,
  tensors: Readonly<Record<string, LazyTensor>>,
): Promise<string> {
  const name = String(progress.iteration).padStart(8, '0');
  const path = join(folder, name);
  const aside = `${path}.partial`;
  // Runs are bit-exact, so one of this iteration that is already there is the same.
  if ((await listCheckpoints(folder)).includes(name)) return path;
  try {
    await rm(aside, { recursive: true, force: true });
    await mkdir(aside, { recursive: true });
    const manifest: CheckpointManifest = {
      version: 1,
      ...progress,
      images: progress.iteration * imagesPerStep(config),
      config,
      configHash: configHash(config),
      files: { [stateFile]: await writeSafetensors(join(aside, stateFile), tensors) },
    };
    await atomicWrite(join(aside, manifestFile), (file) => file.writeFile(`${JSON.stringify(manifest, null, 2)}\n`));
    await rename(aside, path);
    await syncFolder(folder);
  } catch (error) {
    await rm(aside, { recursive: true, force: true });
    throw new TrainerError(
      `The checkpoint of iteration ${progress.iteration} was not saved: ${(error as Error).message} Older checkpoints in ${folder} are untouched; start the run again to continue from the newest.`,
      { cause: error },
    );
  }
  const old = (await listCheckpoints(folder)).slice(0, -config.keepCheckpoints);
  for (const stale of old) await rm(join(folder, stale), { recursive: true, force: true });
  return path;
}

/** The newest checkpoint of a folder that is whole. */
export interface FoundCheckpoint {
  readonly manifest: CheckpointManifest;
  /** Path of its safetensors file. */
  readonly state: string;
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
    if (typeof fault !== 'string') return { manifest: fault, state: join(path, stateFile) };
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
