import { type DeviceArray, type Engine, type HostArray, mapTree } from '@dinov2/jit';
import { assembleBatch, type Batch, stackBatches } from './batch';
import { imagesPerStep, type TrainerConfig } from './config';
import type { CropSource, SourcedBatch } from './crop-source';
import { TrainerError } from './errors';

/** What a compiled step reads, on the host, and on the engine's devices where it was put there ahead. */
export interface QueuedBatch {
  readonly host: Batch<HostArray>;
  readonly arrays: Batch<HostArray | DeviceArray>;
}

/**
 * The batches of a run in their order. On an engine whose runs leave this thread free, the next one is read and put
 * on the devices while a step computes; elsewhere only the newest is held, since one may be gigabytes.
 */
export class BatchQueue {
  private readonly source: AsyncIterator<SourcedBatch>;
  private readonly engine: Engine;
  private ahead: { readonly number: number; readonly batch: Promise<QueuedBatch> } | undefined;
  private newest = -1;

  constructor(
    private readonly config: TrainerConfig,
    { engine, data }: { readonly engine: Engine; readonly data: CropSource },
    iteration: number,
    private readonly warn: (message: string) => void,
  ) {
    this.engine = engine;
    const { index: rank, count: world } = engine.hosts ?? { index: 0, count: 1 };
    this.source = data.open(config, (iteration * imagesPerStep(config)) / world, { rank, world });
  }

  /** The batch of compiled step `number` of the run; numbers are asked for in their order. */
  take(number: number): Promise<QueuedBatch> {
    const { ahead } = this;
    this.ahead = undefined;
    this.newest = number;
    return ahead?.number === number ? ahead.batch : this.prepare(number);
  }

  /** Begin with the batch after the one that was taken last. */
  lookAhead(): void {
    if (!this.engine.isAsynchronous) return;
    const number = this.newest + 1;
    const batch = this.prepare(number);
    // Whoever takes it learns of the failure.
    batch.catch(() => {});
    this.ahead = { number, batch };
  }

  async close(): Promise<void> {
    const left = await this.ahead?.batch.catch(() => undefined);
    if (left !== undefined) mapTree(left.arrays, (array) => ('isDisposed' in (array as object) ? (array as DeviceArray).dispose() : undefined));
    await this.source.return?.();
  }

  private async prepare(number: number): Promise<QueuedBatch> {
    const { shards } = this.config;
    if (shards === undefined) {
      const host = await this.shard(number);
      return { host, arrays: this.engine.isAsynchronous ? this.put(host) : host };
    }
    const { index, count } = this.engine.hosts ?? { index: 0, count: 1 };
    const own = shards / count;
    const parts: Batch<HostArray>[] = [];
    for (let i = 0; i < own; i++) parts.push(await this.shard(number * shards + index * own + i));
    const host = stackBatches(parts);
    return { host, arrays: this.engine.isAsynchronous || count > 1 ? this.put(host) : host };
  }

  private put(batch: Batch<HostArray>): Batch<DeviceArray> {
    const { engine } = this;
    const split = engine.mesh && this.config.shards !== undefined ? [Object.keys(engine.mesh)] : undefined;
    return mapTree(batch, (leaf) => {
      const { data, shape } = leaf as HostArray;
      const dtype = data instanceof Int32Array ? 'int32' : data instanceof Uint8Array ? 'bool' : 'float32';
      return engine.putRows && split ? engine.putRows(data, shape, dtype) : engine.put(data, shape, dtype, split);
    }) as Batch<DeviceArray>;
  }

  /** One shard's batch, with masks and dropped rows drawn by its number in the run. */
  private async shard(number: number): Promise<Batch<HostArray>> {
    const { done, value } = await this.source.next();
    if (done) throw new TrainerError(`The data ended before step ${Math.floor(number / (this.config.shards ?? 1))} of the run; a crop source must go on for ever.`);
    for (const { path, reason } of value.skipped ?? []) this.warn(`${path} was skipped: ${reason}`);
    return assembleBatch(this.config, value, number);
  }
}
