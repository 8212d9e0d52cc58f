import { augmentColumnCount, multiCropRecipe, type MultiCropRecipe } from '@dinov2/augment';
import type { DecodeOptions } from './decode';
import { DataError } from './error';
import type { JobResult, MultiCropTask } from './job';
import { createSampler } from './sampler';
import type { ImageSource, Span } from './source';
import { defaultWorkers, WorkerPool } from './worker-pool';

/** An array with its shape, as a compiled step takes it. */
export interface HostArray {
  readonly data: Float32Array;
  readonly shape: readonly number[];
}

/** A file that was left out, and why. */
export interface SkippedFile {
  readonly path: string;
  /** Number of the image in its source. */
  readonly index: number;
  /** The bytes of the file that are the image, where it is one of several. */
  readonly span?: Span;
  readonly reason: string;
}

export interface LoaderOptions extends DecodeOptions {
  readonly source: ImageSource;
  readonly recipe?: MultiCropRecipe;
  /** Images per batch. */
  readonly batchSize: number;
  readonly seed: number;
  /** Samples that this process has already consumed, any number; 0 by default. */
  readonly startSample?: number;
  /** This process among `world`; 0 of 1 by default. */
  readonly rank?: number;
  readonly world?: number;
  /** Decoding threads; cores − 1 by default. */
  readonly workers?: number;
  /** Batches made ready ahead of the one being used; 2 by default. */
  readonly prefetch?: number;
}

/** The crops of b images. Rows are crop-major: first crop of every image, then the second, …. */
export interface Batch {
  /** (2b, S, S, 3) float32, whole numbers 0 to 255. */
  readonly globalCrops: HostArray;
  /** (localCount · b, s, s, 3). */
  readonly localCrops: HostArray;
  /** (2b, 12) colour parameters for `augmentBatch`, row for row. */
  readonly globalParameters: HostArray;
  /** (localCount · b, 12). */
  readonly localParameters: HostArray;
  /** (b,) which image of the source each sample is, replacements included. */
  readonly indices: Int32Array;
  /** Position of the first sample of this batch; the next batch starts b later. */
  readonly firstSample: number;
  /** Milliseconds that the caller waited for this batch. */
  readonly waitMs: number;
  /** Files found unusable since the last batch, each reported once per loader. */
  readonly skipped: readonly SkippedFile[];
}

/** Where an image is, for messages: a path, with the first byte in a file of several. */
export function placeOf({ path, span }: { readonly path: string; readonly span?: Span }): string {
  return span === undefined ? path : `${path} at byte ${span.offset}`;
}

/** An endless sequence of batches. */
export interface Loader extends AsyncIterableIterator<Batch, undefined> {
  next(): Promise<IteratorResult<Batch, undefined>>;
  /** Images in one pass over this process's share of the source. */
  readonly passSize: number;
  /** Files found unusable so far. */
  readonly skippedFiles: readonly SkippedFile[];
  /** End the threads. Also done by leaving a `for await` loop. */
  close(): Promise<void>;
}

/**
 * Load batches of crops with worker threads.
 *
 * A sample is a function of the seed and its position alone: neither the number of workers nor where
 * the run was resumed changes it. An unusable file is replaced by the next image of the source that
 * can be read and stays left out. At most `prefetch` + 1 batches are in memory.
 *
 * @throws DataError for counts that make no sense; `next()` throws it when no image can be read.
 */
export function createLoader(options: LoaderOptions): Loader {
  return new BatchLoader(options);
}

interface Raw {
  readonly firstSample: number;
  readonly global: Uint8Array;
  readonly local: Uint8Array;
  readonly globalParameters: Float32Array;
  readonly localParameters: Float32Array;
  readonly indices: Int32Array;
}

class BatchLoader implements Loader {
  readonly passSize: number;
  readonly skippedFiles: SkippedFile[] = [];
  private readonly recipe: MultiCropRecipe;
  private readonly sampler;
  private readonly pool: WorkerPool;
  private readonly unusable = new Set<number>();
  private readonly ready: Promise<Raw>[] = [];
  private readonly prefetch: number;
  private reported = 0;
  private nextSample: number;
  private closed = false;

  constructor(private readonly options: LoaderOptions) {
    const { source, batchSize, seed, startSample = 0, rank, world, prefetch = 2 } = options;
    for (const [name, value, least] of [
      ['batchSize', batchSize, 1],
      ['startSample', startSample, 0],
      ['prefetch', prefetch, 0],
    ] as const) {
      if (!Number.isSafeInteger(value) || value < least) {
        throw new DataError(`${name} ${value} is not usable; pass a whole number from ${least}`);
      }
    }
    this.recipe = options.recipe ?? multiCropRecipe();
    this.sampler = createSampler({ size: source.paths.length, seed, rank, world });
    this.passSize = this.sampler.passSize;
    this.prefetch = prefetch;
    this.nextSample = startSample;
    this.pool = new WorkerPool(options.workers ?? defaultWorkers());
  }

  async next(): Promise<IteratorResult<Batch, undefined>> {
    if (this.closed) return { done: true, value: undefined };
    const start = performance.now();
    this.fill(this.prefetch + 1);
    let raw: Raw;
    try {
      raw = await this.pool.keepAlive(this.ready.shift()!);
    } catch (error) {
      if (this.closed) return { done: true, value: undefined };
      await this.close();
      throw error;
    }
    const waitMs = performance.now() - start;
    this.fill(this.prefetch);
    return { done: false, value: this.toBatch(raw, waitMs) };
  }

  async return(): Promise<IteratorResult<Batch, undefined>> {
    await this.close();
    return { done: true, value: undefined };
  }

  async close(): Promise<void> {
    this.closed = true;
    await this.pool.close();
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  private fill(count: number): void {
    while (this.ready.length < count) {
      const batch = this.makeBatch(this.nextSample);
      batch.catch(() => {}); // seen when the batch is asked for
      this.ready.push(batch);
      this.nextSample += this.options.batchSize;
    }
  }

  private async makeBatch(firstSample: number): Promise<Raw> {
    const b = this.options.batchSize;
    const { globalSize, localSize, localCount } = this.recipe;
    const global = new Uint8Array(2 * b * globalSize * globalSize * 3);
    const local = new Uint8Array(localCount * b * localSize * localSize * 3);
    const globalParameters = new Float32Array(2 * b * augmentColumnCount);
    const localParameters = new Float32Array(localCount * b * augmentColumnCount);
    const indices = new Int32Array(b);
    const fillSample = async (i: number) => {
      const { index, result } = await this.loadSample(firstSample + i);
      indices[i] = index;
      spread(result.pixels, 0, global, 2, i, b);
      spread(result.pixels, global.length / b, local, localCount, i, b);
      spread(result.parameters, 0, globalParameters, 2, i, b);
      spread(result.parameters, 2 * augmentColumnCount, localParameters, localCount, i, b);
    };
    await Promise.all(Array.from({ length: b }, (_, i) => fillSample(i)));
    return { firstSample, global, local, globalParameters, localParameters, indices };
  }

  /** The image at a position of the order, or the next one of the source that can be read. */
  private async loadSample(position: number) {
    const { source, seed, autoOrient, minimumSide } = this.options;
    const size = source.paths.length;
    const planned = this.sampler.at(position);
    for (let step = 0; step < size; step++) {
      const index = (planned + step) % size;
      if (this.unusable.has(index)) continue;
      const path = source.paths[index];
      const span = source.spans?.[index];
      const result: JobResult<MultiCropTask> = await this.pool.run({
        path,
        span,
        decode: { autoOrient, minimumSide },
        task: { kind: 'multi-crop', recipe: this.recipe, seed, position },
      });
      if (!('reason' in result)) return { index, result };
      if (!this.unusable.has(index)) {
        this.unusable.add(index);
        this.skippedFiles.push({ path, index, ...(span && { span }), reason: result.reason });
      }
    }
    const [first] = this.skippedFiles;
    throw new DataError(`none of the ${size} images can be read; the first failure was ${placeOf(first)}: ${first.reason}`);
  }

  private toBatch(raw: Raw, waitMs: number): Batch {
    const { globalSize: S, localSize: s, localCount } = this.recipe;
    const b = this.options.batchSize;
    const skipped = this.skippedFiles.slice(this.reported);
    this.reported += skipped.length;
    return {
      globalCrops: { data: Float32Array.from(raw.global), shape: [2 * b, S, S, 3] },
      localCrops: { data: Float32Array.from(raw.local), shape: [localCount * b, s, s, 3] },
      globalParameters: { data: raw.globalParameters, shape: [2 * b, augmentColumnCount] },
      localParameters: { data: raw.localParameters, shape: [localCount * b, augmentColumnCount] },
      indices: raw.indices,
      firstSample: raw.firstSample,
      waitMs,
      skipped,
    };
  }
}

/** Copy `crops` rows of sample i, from `offset` of `from`, to rows i, b + i, 2b + i, … of `to`. */
function spread<T extends Uint8Array | Float32Array>(
  from: T,
  offset: number,
  to: T,
  crops: number,
  i: number,
  b: number,
): void {
  if (crops === 0) return;
  const row = to.length / (crops * b);
  for (let crop = 0; crop < crops; crop++) {
    const start = offset + crop * row;
    to.set(from.subarray(start, start + row), (crop * b + i) * row);
  }
}
