import { replicated, type ArrayPart, type DataType, type DeviceArray, type Sharding, type TypedArray } from '@dinov2/jit';
import { sizeOf, writeBox, type Box } from './boxes';
import { EngineError } from './errors';
import type { Runtime } from './runtime';

/** A tensor on the devices of an engine. */
export class XlaArray implements DeviceArray {
  readonly shape: readonly number[];
  readonly dtype: DataType;
  readonly sharding?: Sharding;
  readonly runtime: Runtime;
  /** By local device. */
  #buffers: readonly bigint[];
  /** Runs and reads under way: the memory is freed after the last of them. */
  #readers = 0;
  #disposed = false;

  /** @param buffers - What each local device holds, in the order of the placement. */
  constructor(runtime: Runtime, buffers: readonly bigint[], shape: readonly number[], dtype: DataType, sharding: Sharding) {
    this.runtime = runtime;
    this.#buffers = buffers;
    this.shape = shape;
    this.dtype = dtype;
    if (runtime.mesh) this.sharding = sharding;
    runtime.arrays.add(this);
  }

  get isDisposed(): boolean {
    return this.#disposed;
  }

  get buffers(): readonly bigint[] {
    if (this.#disposed) {
      throw new EngineError(`the array ${this.dtype} (${this.shape.join(', ')}) was disposed or donated; use the array that replaced it.`);
    }
    return this.#buffers;
  }

  async data(): Promise<TypedArray> {
    const { placement } = this.runtime;
    const found = new Map<string, { box: Box; local: number }>();
    const missing = new Set<number>();
    placement.local.forEach(({ place }, local) => {
      const box = this.#box(place);
      const key = box.start.join();
      if (!found.has(key)) found.set(key, { box, local });
    });
    placement.devices.forEach(({ process }, place) => {
      if (!found.has(this.#box(place).start.join())) missing.add(process);
    });
    if (missing.size > 0) {
      throw new EngineError(
        `parts of the array ${this.dtype} (${this.shape.join(', ')}) are held by process ${[...missing].join(', ')}; read parts() in every process.`,
      );
    }
    const pieces = [...found.values()];
    if (pieces.length === 1) return this.#read(pieces[0]!.local, pieces[0]!.box);
    const data = newArray(this.dtype, sizeOf(this.shape));
    await Promise.all(pieces.map(async ({ box, local }) => writeBox(await this.#read(local, box), data, this.shape, box)));
    return data;
  }

  parts(): readonly ArrayPart[] {
    void this.buffers;
    const { placement } = this.runtime;
    const seen = new Set<string>();
    return placement.devices.flatMap(({ isAddressable }, place) => {
      const box = this.#box(place);
      const key = box.start.join();
      const isFirst = !seen.has(key);
      seen.add(key);
      if (!isFirst || !isAddressable) return [];
      const local = placement.local.findIndex((one) => one.place === place);
      return [{ ...box, data: () => this.#read(local, box) }];
    });
  }

  dispose(): void {
    this.#disposed = true;
    this.#freeIfUnused();
  }

  /** Keep the memory until {@link unpin}. */
  pin(): readonly bigint[] {
    const { buffers } = this;
    this.#readers++;
    return buffers;
  }

  unpin(): void {
    this.#readers--;
    this.#freeIfUnused();
  }

  #box(place: number): Box {
    return this.runtime.placement.box(this.shape, this.sharding ?? replicated, place);
  }

  async #read(local: number, box: Box): Promise<TypedArray> {
    const buffers = this.pin();
    try {
      const data = newArray(this.dtype, sizeOf(box.shape));
      await this.runtime.guard(this.runtime.client.read(buffers[local]!, new Uint8Array(data.buffer)));
      return data;
    } finally {
      this.unpin();
    }
  }

  #freeIfUnused(): void {
    if (!this.#disposed || this.#readers > 0) return;
    for (const buffer of this.#buffers) this.runtime.client.free(buffer);
    this.#buffers = [];
    this.runtime.arrays.delete(this);
  }
}

/** An array in memory that does not move. */
function newArray(dtype: DataType, length: number): TypedArray & { readonly buffer: ArrayBuffer } {
  const type = { float32: Float32Array, int32: Int32Array, bool: Uint8Array }[dtype];
  return new type(new ArrayBuffer(length * type.BYTES_PER_ELEMENT));
}
