import { closeSync, openSync, read, readSync } from 'node:fs';
import { promisify } from 'node:util';
import type { ShardContent } from './covers';
import { recordBytes } from './record';
import type { ShardFiles } from './shard';

const readAsync = promisify(read);

/** Bytes that are read at a time. */
const chunkBytes = 1 << 22;

/** A shard whose records are read. Files are opened when they are first needed. */
export class OpenShard {
  private readonly descriptors = new Map<string, number>();
  private readonly bytes: { readonly vectors: number; readonly dense: number };

  constructor(
    readonly files: ShardFiles,
    readonly content: ShardContent,
  ) {
    this.bytes = recordBytes(content.layout);
  }

  /**
   * Visit the vectors of records, given in increasing order; neighbours are read together. The bytes
   * start at a multiple of 4 and hold until the next visit.
   */
  visitVectors(records: readonly number[], visit: (bytes: Uint8Array<ArrayBuffer>, i: number) => void): void {
    const size = this.bytes.vectors;
    const perChunk = Math.max(1, Math.floor(chunkBytes / size));
    const chunk = new Uint8Array(size * Math.min(perChunk, records.length));
    for (let first = 0; first < records.length; ) {
      let end = first + 1;
      while (end < records.length && end - first < perChunk && records[end] === records[end - 1] + 1) end++;
      readWhole(this.descriptor(this.files.vectors), chunk.subarray(0, (end - first) * size), records[first] * size);
      for (let i = first; i < end; i++) visit(chunk.subarray((i - first) * size, (i - first + 1) * size), i);
      first = end;
    }
  }

  async readDense(record: number): Promise<Uint8Array<ArrayBuffer>> {
    const bytes = new Uint8Array(this.bytes.dense);
    await readAsync(this.descriptor(this.files.dense), bytes, 0, bytes.length, record * bytes.length);
    return bytes;
  }

  close(): void {
    for (const descriptor of this.descriptors.values()) closeSync(descriptor);
    this.descriptors.clear();
  }

  private descriptor(path: string): number {
    let descriptor = this.descriptors.get(path);
    if (descriptor === undefined) this.descriptors.set(path, (descriptor = openSync(path, 'r')));
    return descriptor;
  }
}

/** What the file does not have stays as it was, and does not have the right checksum. */
function readWhole(descriptor: number, target: Uint8Array, position: number): void {
  for (let offset = 0; offset < target.length; ) {
    const bytes = readSync(descriptor, target, offset, target.length - offset, position + offset);
    if (bytes === 0) return;
    offset += bytes;
  }
}
