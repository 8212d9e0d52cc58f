import type { DataType, DeviceArray, TypedArray } from '@dinov2/jit';
import { sizeOf, typedView } from './element-type';
import { EngineError } from './errors';
import type { Block, HeapSet } from './heap';

/** A tensor in a heap of the engine. */
export class HeapArray implements DeviceArray {
  readonly shape: readonly number[];
  readonly dtype: DataType;
  readonly heaps: HeapSet;
  #block: Block | undefined;
  /** Runs under way that read the memory: it is freed after the last of them. */
  #readers = 0;
  #disposed = false;

  constructor(heaps: HeapSet, block: Block, shape: readonly number[], dtype: DataType) {
    this.heaps = heaps;
    this.#block = block;
    this.shape = shape;
    this.dtype = dtype;
  }

  get isDisposed(): boolean {
    return this.#disposed;
  }

  get block(): Block {
    if (this.#disposed || !this.#block) {
      throw new EngineError(`the array ${this.dtype} (${this.shape.join(', ')}) was disposed or donated; use the array that replaced it.`);
    }
    return this.#block;
  }

  async data(): Promise<TypedArray> {
    const { heap, offset } = this.block;
    return typedView(heap.memory.buffer, offset, sizeOf(this.shape), this.dtype).slice();
  }

  dispose(): void {
    this.#disposed = true;
    this.#freeIfUnused();
  }

  /** Keep the memory until {@link unpin}. */
  pin(): Block {
    const { block } = this;
    this.#readers++;
    return block;
  }

  unpin(): void {
    this.#readers--;
    this.#freeIfUnused();
  }

  /** Give the memory away; the array is disposed. */
  take(): Block {
    const { block } = this;
    this.#disposed = true;
    this.#block = undefined;
    return block;
  }

  #freeIfUnused(): void {
    if (!this.#disposed || this.#readers > 0 || !this.#block) return;
    this.heaps.free(this.#block);
    this.#block = undefined;
  }
}
