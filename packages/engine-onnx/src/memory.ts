import type { Block, HeapSet } from './heap';

/**
 * Temporary memory that all executables of an engine share: runs never overlap, so that each of them may
 * have all of it. It grows to the largest plan and stays.
 */
export class SharedArena {
  readonly #heaps: HeapSet;
  #blocks: Block[] = [];

  constructor(heaps: HeapSet) {
    this.#heaps = heaps;
  }

  /** Blocks of at least these sizes. Earlier contents may be lost. */
  arena(sizes: readonly number[]): readonly Block[] {
    const fits = sizes.every((bytes, i) => this.#blocks[i] !== undefined && this.#blocks[i].bytes >= bytes);
    if (!fits) {
      const wanted = Array.from({ length: Math.max(sizes.length, this.#blocks.length) }, (_, i) =>
        Math.max(sizes[i] ?? 0, this.#blocks[i]?.bytes ?? 0),
      );
      for (const block of this.#blocks) this.#heaps.free(block);
      this.#blocks = [];
      for (const bytes of wanted) this.#blocks.push(this.#heaps.allocate(bytes));
    }
    return this.#blocks;
  }
}
