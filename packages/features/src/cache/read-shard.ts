import { createReadStream } from 'node:fs';
import { readFile, stat } from 'node:fs/promises';
import { createInterface } from 'node:readline';
import type { ShardContent } from './covers';
import { recordBytes, type RecordLayout } from './record';
import { type ImageState, type IndexLine, type ShardFiles, type ShardHeader } from './shard';

/** A record of a shard, by what its index says of it. */
export interface IndexedRecord {
  readonly image: ImageState;
  readonly record: number;
  /** Checksums. */
  readonly vectors: number;
  readonly dense: number;
}

/** A shard by its index. */
export interface IndexedShard {
  readonly content: ShardContent;
  readonly records: readonly IndexedRecord[];
}

/**
 * Content and whole records of a shard; undefined for one that is of no use: other content than is wanted, or
 * still without a header.
 */
export async function readShard(files: ShardFiles, isWanted: (content: ShardContent) => boolean): Promise<IndexedShard | undefined> {
  const damaged = new Set((await readFile(files.damaged, 'utf8').catch(() => '')).split('\n'));
  let header: ShardHeader | undefined;
  let whole = 0;
  let number = -1;
  const records: IndexedRecord[] = [];
  for await (const text of createInterface({ input: createReadStream(files.index, 'utf8') })) {
    const record = number++;
    const line = parse(text);
    if (record < 0) {
      header = line as ShardHeader | undefined;
      if (header?.format !== 1 || !isWanted(header)) return undefined;
      whole = await wholeRecords(files, header.layout);
    } else if (record < whole && isIndexLine(line) && !damaged.has(String(record))) {
      const [id, size, modified, vectors, dense] = line;
      records.push({ image: { id, size, modified }, record, vectors, dense });
    }
  }
  return header && { content: { outputs: header.outputs, layout: header.layout }, records };
}

/** Records that the files of a shard hold completely. */
async function wholeRecords(files: ShardFiles, layout: RecordLayout): Promise<number> {
  const bytes = recordBytes(layout);
  const counts = (['vectors', 'dense'] as const).map(async (part) => {
    if (bytes[part] === 0) return Infinity;
    const { size } = await stat(files[part]).catch(() => ({ size: 0 }));
    return Math.floor(size / bytes[part]);
  });
  return Math.min(...(await Promise.all(counts)));
}

function isIndexLine(line: unknown): line is IndexLine {
  return Array.isArray(line) && line.length === 5;
}

function parse(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return undefined;
  }
}
