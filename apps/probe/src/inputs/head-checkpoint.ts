import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { HostArrays } from '@dinov2/evaluation';
import { readSafetensors, writeSafetensors } from '@dinov2/weights';

/** Iterations between saves of a head in training. */
export const CHECKPOINT_EVERY = 200;

/** What is saved of a head in training: named arrays in named groups. */
type State<Group extends string> = { readonly iteration: number } & Readonly<Record<Group, HostArrays>>;

/** A head in training on disk, so that a command that was stopped goes on. It belongs to exact settings. */
export class HeadCheckpoint<Group extends string> {
  private readonly path: string;

  /**
   * @param cache - the cache of features, beside which it is kept.
   * @param identity - all that the training depends on: data, settings, network.
   */
  constructor(
    cache: string,
    identity: unknown,
    private readonly groups: readonly Group[],
  ) {
    const key = createHash('sha256').update(JSON.stringify(identity)).digest('hex').slice(0, 32);
    this.path = join(dirname(cache), 'heads', `${key}.safetensors`);
  }

  async read(): Promise<State<Group> | undefined> {
    if (!existsSync(this.path)) return undefined;
    const { tensors, metadata } = await readSafetensors(this.path);
    const group = (name: Group): HostArrays =>
      Object.fromEntries(Object.entries(tensors).flatMap(([key, { data, shape }]) => (key.startsWith(`${name}/`) ? [[key.slice(name.length + 1), { data: data as Float32Array, shape }]] : [])));
    return { iteration: Number(metadata['iteration']), ...(Object.fromEntries(this.groups.map((name) => [name, group(name)])) as Record<Group, HostArrays>) };
  }

  async write(state: State<Group>): Promise<void> {
    mkdirSync(dirname(this.path), { recursive: true });
    const tensors = this.groups.flatMap((name) => Object.entries(state[name] as HostArrays).map(([key, { data, shape }]) => [`${name}/${key}`, { data: data as Float32Array, shape }] as const));
    await writeSafetensors(this.path, Object.fromEntries(tensors), { iteration: String(state.iteration) });
  }

  /** The training is finished: forget it. */
  remove(): void {
    rmSync(this.path, { force: true });
  }
}

/** What is saved of a head on patch tokens. */
export const denseGroups = ['parameters', 'buffers', 'm', 'v'] as const;
