import { type FileHandle, open, rename, rm } from 'node:fs/promises';
import { CurationError } from '../error';
import type { EdgeBlock } from './edges';

/**
 * A file of edges: `DINOEDGE`, the version and the number of edges, and blocks of a count, the rows from, the rows to
 * and the similarities. All numbers have 32 bits, little-endian, but the number of edges, which has 64.
 */
const MAGIC = 'DINOEDGE';
const VERSION = 1;
const HEADER_BYTES = 24;

/** Appends blocks of edges to a file, which has its name only when it is whole. */
export class EdgeWriter {
  #edges = 0;
  #closed = false;

  private constructor(
    private readonly path: string,
    private readonly partial: string,
    private readonly file: FileHandle,
  ) {}

  static async create(path: string): Promise<EdgeWriter> {
    const partial = `${path}.${process.pid}.partial`;
    const writer = new EdgeWriter(path, partial, await open(partial, 'w'));
    await writer.file.appendFile(header(0));
    return writer;
  }

  async append({ count, from, to, similarity }: EdgeBlock): Promise<void> {
    if (count === 0) return;
    await this.file.appendFile(new Uint8Array(Uint32Array.of(count).buffer));
    for (const part of [from, to, similarity]) await this.file.appendFile(new Uint8Array(part.buffer, part.byteOffset, 4 * count));
    this.#edges += count;
  }

  async close(): Promise<void> {
    this.#closed = true;
    await this.file.write(header(this.#edges), 0, undefined, 0);
    await this.file.sync();
    await this.file.close();
    await rename(this.partial, this.path);
  }

  /** Remove what was written, unless it was closed. */
  async abort(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    await this.file.close();
    await rm(this.partial, { force: true });
  }
}

/** Write edges, such as those of one shard of a join, to a file. */
export async function writeEdges(path: string, edges: AsyncIterable<EdgeBlock>): Promise<void> {
  const writer = await EdgeWriter.create(path);
  try {
    for await (const block of edges) await writer.append(block);
    await writer.close();
  } finally {
    await writer.abort();
  }
}

/**
 * The edges of one file after the other. The files of all shards of a join, in their order, are the edges of the whole.
 *
 * @throws CurationError when a file is missing, is another kind of file, or was cut
 */
export async function* readEdges(...paths: string[]): AsyncGenerator<EdgeBlock> {
  for (const path of paths) {
    const file = await open(path).catch((cause: Error) => {
      throw new CurationError(`${path} cannot be opened: ${cause.message}`, { cause });
    });
    try {
      const expected = parseHeader(await take(file, HEADER_BYTES), path);
      let edges = 0;
      for (;;) {
        const length = await take(file, 4);
        if (length.length === 0) break;
        const count = length.length < 4 ? 0 : length.readUInt32LE();
        const body = await take(file, 12 * count);
        if (count === 0 || body.length < 12 * count) break;
        const numbers = new Uint32Array(body.buffer, body.byteOffset, 3 * count);
        edges += count;
        yield {
          count,
          from: numbers.subarray(0, count),
          to: numbers.subarray(count, 2 * count),
          similarity: new Float32Array(body.buffer, body.byteOffset + 8 * count, count),
        };
      }
      if (edges !== expected) throw new CurationError(`${path} should hold ${expected} edges and holds ${edges}; it was cut or damaged: make it again`);
    } finally {
      await file.close();
    }
  }
}

function header(edges: number): Buffer {
  const bytes = Buffer.alloc(HEADER_BYTES);
  bytes.write(MAGIC, 'latin1');
  bytes.writeUInt32LE(VERSION, 8);
  bytes.writeBigUInt64LE(BigInt(edges), 16);
  return bytes;
}

function parseHeader(bytes: Buffer, path: string): number {
  if (bytes.length < HEADER_BYTES || bytes.toString('latin1', 0, 8) !== MAGIC) throw new CurationError(`${path} is not a file of edges`);
  const version = bytes.readUInt32LE(8);
  if (version !== VERSION) throw new CurationError(`${path} holds edges in version ${version} of the format; this program reads version ${VERSION}`);
  return Number(bytes.readBigUInt64LE(16));
}

/** The next bytes of a file, or those that are left. */
async function take(file: FileHandle, bytes: number): Promise<Buffer> {
  // Not from the pool of small buffers: numbers of four bytes must begin at multiples of four.
  const buffer = Buffer.from(new ArrayBuffer(bytes));
  let filled = 0;
  while (filled < bytes) {
    const { bytesRead } = await file.read(buffer, filled, bytes - filled);
    if (bytesRead === 0) break;
    filled += bytesRead;
  }
  return buffer.subarray(0, filled);
}
