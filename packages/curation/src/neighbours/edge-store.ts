import { rm } from 'node:fs/promises';
import { EdgeWriter, readEdges } from './edge-file';
import type { EdgeBlock } from './edges';

/** Edges of 12 bytes each that are kept in memory. */
const IN_MEMORY = 4_000_000;

/** Keeps the edges of a join: in memory while they are few, in a file then. */
export class EdgeStore {
  #blocks: EdgeBlock[] = [];
  #inMemory = 0;
  #writer: EdgeWriter | undefined;
  #total = 0;

  /** @param path - where the file would be */
  constructor(
    private readonly path: () => Promise<string>,
    private readonly limit = IN_MEMORY,
  ) {}

  get count(): number {
    return this.#total;
  }

  async append(block: EdgeBlock): Promise<void> {
    if (block.count === 0) return;
    this.#blocks.push(block);
    this.#inMemory += block.count;
    this.#total += block.count;
    if (this.#inMemory > this.limit) {
      this.#writer ??= await EdgeWriter.create(await this.path());
      await this.#flush(this.#writer);
    }
  }

  /** No more edges come. */
  async finish(): Promise<void> {
    if (!this.#writer) return;
    await this.#flush(this.#writer);
    await this.#writer.close();
  }

  async *edges(): AsyncGenerator<EdgeBlock> {
    if (this.#writer) yield* readEdges(await this.path());
    else yield* this.#blocks;
  }

  async close(): Promise<void> {
    this.#blocks = [];
    if (!this.#writer) return;
    await this.#writer.abort();
    await rm(await this.path(), { force: true });
  }

  async #flush(writer: EdgeWriter): Promise<void> {
    for (const block of this.#blocks) await writer.append(block);
    this.#blocks = [];
    this.#inMemory = 0;
  }
}
