import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { HeadState, HostArrays } from '@dinov2/evaluation';
import { readSafetensors, writeSafetensors } from '@dinov2/weights';

/** Iterations between saves of a head in training. */
export const CHECKPOINT_EVERY = 200;

const groups = ['parameters', 'buffers', 'm', 'v'] as const;

/** A head in training on disk, so that a command that was stopped goes on. It belongs to exact settings. */
export class HeadCheckpoint {
  private readonly path: string;

  /** @param identity - all that the training depends on: data, settings, network. */
  constructor(cache: string, identity: unknown) {
    const key = createHash('sha256').update(JSON.stringify(identity)).digest('hex').slice(0, 32);
    this.path = join(dirname(cache), 'heads', `${key}.safetensors`);
  }

  async read(): Promise<HeadState | undefined> {
    if (!existsSync(this.path)) return undefined;
    const { tensors, metadata } = await readSafetensors(this.path);
    const group = (name: string): HostArrays =>
      Object.fromEntries(Object.entries(tensors).flatMap(([key, { data, shape }]) => (key.startsWith(`${name}/`) ? [[key.slice(name.length + 1), { data: data as Float32Array, shape }]] : [])));
    return { iteration: Number(metadata['iteration']), parameters: group('parameters'), buffers: group('buffers'), m: group('m'), v: group('v') };
  }

  async write(state: HeadState): Promise<void> {
    mkdirSync(dirname(this.path), { recursive: true });
    const tensors = groups.flatMap((name) => Object.entries(state[name]).map(([key, { data, shape }]) => [`${name}/${key}`, { data: data as Float32Array, shape }] as const));
    await writeSafetensors(this.path, Object.fromEntries(tensors), { iteration: String(state.iteration) });
  }

  /** The training is finished: forget it. */
  remove(): void {
    rmSync(this.path, { force: true });
  }
}
