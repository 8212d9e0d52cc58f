import { mkdir, readdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { atomicWrite } from '@dinov2/weights';
import { CurationError } from '../error';
import { openNpy } from '../vectors/open-npy';
import { writeNpy } from '../vectors/write-npy';
import { readFlatNpy, writeFlatNpy } from './flat-npy';
import type { Level } from './hierarchy';

/** How far a level has come: its centroids after some rounds of resampling. */
export interface LevelState {
  readonly centroids: Float32Array;
  readonly columns: number;
  /** Rounds of resampling done. */
  readonly round: number;
  readonly inertia: number;
  readonly iterations: number;
  /** Whether the other files of the level are there. */
  readonly complete: boolean;
}

/**
 * One level in a folder of plain .npy files: centroids (k, D), clusters, similarity, offsets and members as in
 * {@link Level}. `level.json` is written last, and says which round's centroids count.
 */
export class LevelFiles {
  readonly folder: string;
  readonly #key: string;

  constructor(folder: string, key: string) {
    this.folder = folder;
    this.#key = key;
  }

  #path(name: string): string {
    return join(this.folder, name);
  }

  async load(): Promise<LevelState | undefined> {
    await mkdir(this.folder, { recursive: true });
    let text;
    try {
      text = await readFile(this.#path('level.json'), 'utf8');
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
      throw error;
    }
    const { key, ...state } = JSON.parse(text) as Omit<LevelState, 'centroids' | 'columns'> & { key: string };
    if (key !== this.#key) {
      throw new CurationError(`${this.folder} holds another clustering (${key}), and this one is ${this.#key}; pass another folder or delete that one`);
    }
    const file = await openNpy(this.#path(centroidsOf(state)));
    try {
      return { ...state, columns: file.columns, centroids: await file.read(0, file.rows) };
    } finally {
      await file.close();
    }
  }

  async save({ centroids, columns, ...state }: LevelState): Promise<void> {
    const writer = await writeNpy(this.#path(centroidsOf(state)), columns);
    await writer.append(centroids);
    await writer.close();
    await atomicWrite(this.#path('level.json'), async (file) => file.writeFile(JSON.stringify({ key: this.#key, ...state })));
    for (const name of await readdir(this.folder)) {
      if (/^(centroids-|round-)/.test(name) && name !== centroidsOf(state)) await rm(this.#path(name), { recursive: true });
    }
  }

  /** Where the clustering of a round keeps its own state; gone once the round is saved. */
  checkpoint(round: number): string {
    return this.#path(`round-${round}`);
  }

  async saveMembers(level: Level): Promise<void> {
    const { clusters, similarity, offsets, members } = level;
    for (const [name, numbers] of Object.entries({ clusters, similarity, offsets, members })) await writeFlatNpy(this.#path(`${name}.npy`), numbers);
  }

  async loadMembers({ centroids, inertia, iterations }: LevelState): Promise<Level> {
    return {
      centroids,
      inertia,
      iterations,
      clusters: await readFlatNpy(this.#path('clusters.npy'), 'uint32'),
      similarity: await readFlatNpy(this.#path('similarity.npy'), 'float32'),
      offsets: await readFlatNpy(this.#path('offsets.npy'), 'uint32'),
      members: await readFlatNpy(this.#path('members.npy'), 'uint32'),
    };
  }
}

const centroidsOf = ({ round, complete }: Pick<LevelState, 'round' | 'complete'>): string => (complete ? 'centroids.npy' : `centroids-${round}.npy`);
