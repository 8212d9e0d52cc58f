import { readFile, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { atomicWrite } from '@dinov2/weights';
import { CurationError } from '../error';
import { bytesOf } from '../vectors/bytes-of';
import { ClusterSums } from './cluster-sums';

/** One of several processes that share the work, on one machine or many. */
export interface Shard {
  /** From 0. */
  readonly index: number;
  readonly of: number;
}

/** Milliseconds between two looks for the files of other shards. */
const LOOK_AGAIN = 200;

export function checkShard({ index, of }: Shard): void {
  if (Number.isInteger(index) && Number.isInteger(of) && index >= 0 && index < of) return;
  throw new CurationError(`shard ${index} of ${of}: pass an index from 0 to ${of - 1}`);
}

/** Its share of `rows`, rows first … end − 1. */
export const shardRange = ({ index, of }: Shard, rows: number): { readonly first: number; readonly end: number } => ({
  first: Math.floor((rows * index) / of),
  end: Math.floor((rows * (index + 1)) / of),
});

const exists = (path: string): Promise<boolean> => stat(path).then(() => true, () => false);

/** Wait until a file is there, which appears whole. */
export async function waitFor(path: string, signal?: AbortSignal): Promise<void> {
  while (!(await exists(path))) {
    signal?.throwIfAborted();
    await sleep(LOOK_AGAIN);
  }
}

/** Sums that shards leave for each other in a folder. */
export class SharedSums {
  readonly #folder: string;
  readonly #shard: Shard;
  /** Iterations whose sums of this shard lie in the folder. */
  readonly #written = new Set<number>();
  #sums: ClusterSums | undefined;

  constructor(folder: string, shard: Shard) {
    this.#folder = folder;
    this.#shard = shard;
  }

  #path(iteration: number, index: number): string {
    return join(this.#folder, `sums-${iteration}-${index}-of-${this.#shard.of}.bin`);
  }

  /**
   * Leave this shard's sums of an iteration, and add up those of all.
   *
   * @param round - the iteration that a shard goes back to when it is started again; what is older goes
   */
  async exchange(iteration: number, round: number, own: ClusterSums, signal?: AbortSignal): Promise<ClusterSums> {
    const { index, of } = this.#shard;
    await atomicWrite(this.#path(iteration, index), async (file) => file.writeFile(bytesOf(own.data)));
    this.#written.add(iteration);
    const sums = (this.#sums ??= new ClusterSums(own.space));
    sums.copy(own);
    for (let other = 0; other < of; other++) {
      if (other === index) continue;
      const path = this.#path(iteration, other);
      await waitFor(path, signal);
      const bytes = await readFile(path);
      if (bytes.length !== sums.data.byteLength) {
        throw new CurationError(`${path} has ${bytes.length} bytes and should have ${sums.data.byteLength}; delete it and start its shard again`);
      }
      sums.merge(new ClusterSums(sums.space, new Float64Array(new Uint8Array(bytes).buffer)));
    }
    // All shards have come to this round, so none needs an older one.
    for (const old of this.#written) {
      if (old >= round) continue;
      await rm(this.#path(old, index), { force: true });
      this.#written.delete(old);
    }
    return sums;
  }
}
