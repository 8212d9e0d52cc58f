import { mkdir, readdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { atomicWrite } from '@dinov2/weights';
import { CurationError } from '../error';
import { openNpy } from '../vectors/open-npy';
import { writeNpy } from '../vectors/write-npy';

/** Where a run of Lloyd's iterations stands. */
export interface Position {
  /** Iterations done, over samples and over all rows. */
  readonly iteration: number;
  /** Which of the growing samples is worked on. */
  readonly stage: number;
  /** Comparisons of all its rows with all centroids. */
  readonly round: number;
  /** Inertia at the last of them. */
  readonly inertia?: number;
  /** What came out, once all is done. */
  readonly result?: { readonly sizes: number[]; readonly inertia: number };
}

/** Centroids and position in a folder, replaced as a whole after every round. */
export class Checkpoint {
  readonly folder: string;
  readonly #key: string;

  /** @param key - what the run depends on; a folder of another run is refused */
  constructor(folder: string, key: string) {
    this.folder = folder;
    this.#key = key;
  }

  get path(): string {
    return join(this.folder, 'state.json');
  }

  #centroids(iteration: number): string {
    return join(this.folder, `centroids-${iteration}.npy`);
  }

  async load(): Promise<{ position: Position; centroids: Float32Array } | undefined> {
    await mkdir(this.folder, { recursive: true });
    let text;
    try {
      text = await readFile(this.path, 'utf8');
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
      throw error;
    }
    const { key, position } = JSON.parse(text) as { key: string; position: Position };
    if (key !== this.#key) {
      throw new CurationError(`${this.folder} holds another clustering (${key}), and this one is ${this.#key}; pass another folder or delete that one`);
    }
    const file = await openNpy(this.#centroids(position.iteration));
    try {
      return { position, centroids: await file.read(0, file.rows) };
    } finally {
      await file.close();
    }
  }

  async save(position: Position, centroids: Float32Array, columns: number): Promise<void> {
    const writer = await writeNpy(this.#centroids(position.iteration), columns);
    await writer.append(centroids);
    await writer.close();
    await atomicWrite(this.path, async (file) => file.writeFile(JSON.stringify({ key: this.#key, position })));
    const current = this.#centroids(position.iteration);
    for (const name of await readdir(this.folder)) {
      const path = join(this.folder, name);
      if (name.startsWith('centroids-') && name.endsWith('.npy') && path !== current) await rm(path);
    }
  }
}
