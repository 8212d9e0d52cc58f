import { EngineError } from './errors';
import { addressOf } from './onnx-runtime';

const pageBytes = 65536;
/** Limit of 32-bit WebAssembly. */
const maximumPages = 65536;
/** A cache line; also what the widest vector loads like. */
const alignment = 64;

export const align = (bytes: number): number => Math.ceil(bytes / alignment) * alignment;

/** Part of one heap. */
export interface Block {
  readonly heap: Heap;
  readonly offset: number;
  readonly bytes: number;
}

/**
 * One WebAssembly memory with an allocator. The whole of it is reserved at once and never moves;
 * the operating system backs only pages that have been written.
 */
export class Heap {
  readonly memory: WebAssembly.Memory;
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly address: bigint;
  /** Free ranges by offset. */
  readonly #free: { offset: number; bytes: number }[];

  constructor(memory: WebAssembly.Memory) {
    this.memory = memory;
    this.bytes = new Uint8Array(memory.buffer as ArrayBuffer);
    this.address = addressOf(memory.buffer);
    // Offset 0 is left out: an address of 0 reads like a null pointer in kernels.
    this.#free = [{ offset: alignment, bytes: this.bytes.length - alignment }];
  }

  /** First fit, so that low addresses, whose pages exist already, are used again first. */
  allocate(bytes: number): Block | undefined {
    const size = Math.max(align(bytes), alignment);
    const index = this.#free.findIndex((range) => range.bytes >= size);
    if (index < 0) return undefined;
    const range = this.#free[index];
    const block = { heap: this, offset: range.offset, bytes: size };
    range.offset += size;
    range.bytes -= size;
    if (range.bytes === 0) this.#free.splice(index, 1);
    return block;
  }

  free({ offset, bytes }: Block): void {
    let index = this.#free.findIndex((range) => range.offset > offset);
    if (index < 0) index = this.#free.length;
    const before = this.#free[index - 1];
    const after = this.#free[index];
    const joinsBefore = before !== undefined && before.offset + before.bytes === offset;
    const joinsAfter = after !== undefined && offset + bytes === after.offset;
    if (joinsBefore && joinsAfter) {
      before.bytes += bytes + after.bytes;
      this.#free.splice(index, 1);
    } else if (joinsBefore) {
      before.bytes += bytes;
    } else if (joinsAfter) {
      after.offset = offset;
      after.bytes += bytes;
    } else {
      this.#free.splice(index, 0, { offset, bytes });
    }
  }
}

/** All memory of an engine: heaps are added when the ones there are full. */
export class HeapSet {
  readonly #heaps: Heap[] = [];
  readonly #pages: number;
  #used = 0;
  #peak = 0;

  /** @param heapBytes - Size of one heap, at most 4 GiB. */
  constructor(heapBytes = maximumPages * pageBytes) {
    this.#pages = Math.min(maximumPages, Math.max(1, Math.ceil(heapBytes / pageBytes)));
  }

  /** Largest block that one heap can hold. */
  get capacity(): number {
    return this.#pages * pageBytes - alignment;
  }

  /** Bytes allocated now. */
  get used(): number {
    return this.#used;
  }

  /** Most bytes allocated at one time since the last {@link resetPeak}. */
  get peak(): number {
    return this.#peak;
  }

  resetPeak(): void {
    this.#peak = this.#used;
  }

  allocate(bytes: number): Block {
    if (bytes > this.capacity) {
      throw new EngineError(
        `a tensor of ${bytes} bytes does not fit into a heap of ${this.capacity} bytes; WebAssembly memory ends at 4 GiB: use a smaller batch or split the tensor.`,
      );
    }
    for (const heap of this.#heaps) {
      const block = heap.allocate(bytes);
      if (block) return this.#count(block);
    }
    const heap = this.#grow();
    return this.#count(heap.allocate(bytes) as Block);
  }

  free(block: Block): void {
    this.#used -= block.bytes;
    block.heap.free(block);
  }

  #count(block: Block): Block {
    this.#used += block.bytes;
    this.#peak = Math.max(this.#peak, this.#used);
    return block;
  }

  #grow(): Heap {
    try {
      const heap = new Heap(new WebAssembly.Memory({ initial: this.#pages, maximum: this.#pages }));
      this.#heaps.push(heap);
      return heap;
    } catch {
      throw new EngineError(
        `the system refuses to reserve ${this.#pages * pageBytes} bytes of address space (heap ${this.#heaps.length + 1}); raise the limit (ulimit -v) or pass a smaller memoryBytes.`,
      );
    }
  }
}
