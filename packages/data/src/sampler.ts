import { createRandom } from '@dinov2/primitives';
import { DataError } from './error';

/** What to sample from, and which share of it. */
export interface SamplerOptions {
  /** Images in the source. */
  readonly size: number;
  readonly seed: number;
  /** This process among `world`; 0 of 1 by default. */
  readonly rank?: number;
  readonly world?: number;
}

/** An endless order of images that can be entered anywhere. */
export interface Sampler {
  /** Images in one pass over this process's share: ⌊size / world⌋. */
  readonly passSize: number;
  /** Image number of the sample at a position 0, 1, 2, …. */
  at(position: number): number;
}

/**
 * The order of DINOv2's sharded infinite sampler: each process keeps a fixed random share of the
 * images (the remainder of size / world is left out) and shuffles it anew on every pass. A function
 * of seed, rank and position alone, so a run resumes at any sample; the draws are this library's,
 * not torch's.
 *
 * @throws DataError when there are fewer images than processes.
 */
export function createSampler({ size, seed, rank = 0, world = 1 }: SamplerOptions): Sampler {
  if (!(Number.isInteger(rank) && Number.isInteger(world) && rank >= 0 && rank < world)) {
    throw new DataError(`rank ${rank} of ${world} processes; pass 0 <= rank < world`);
  }
  const passSize = Math.floor(size / world);
  if (passSize < 1) {
    throw new DataError(`${size} images cannot be shared by ${world} processes; use fewer processes`);
  }
  const random = createRandom(seed).fork('sampler');
  const dealt = random.fork('share').permutation(size);
  const share = Int32Array.from({ length: passSize }, (_, i) => dealt[rank + i * world]);

  let current = -1;
  let order = new Int32Array(0);
  return {
    passSize,
    at(position) {
      const pass = Math.floor(position / passSize);
      if (pass !== current) {
        order = random.fork(`rank ${rank} pass ${pass}`).permutation(passSize) as Int32Array<ArrayBuffer>;
        current = pass;
      }
      return share[order[position % passSize]];
    },
  };
}
