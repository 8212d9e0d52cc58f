import { readFile, stat } from 'node:fs/promises';
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

/** Layout and whole records of a shard; undefined for one that cannot be used, for example still without a header. */
export async function readShard(files: ShardFiles): Promise<{ layout: RecordLayout; records: IndexedRecord[] } | undefined> {
  const text = await readFile(files.index, 'utf8');
  const [first, ...lines] = text.slice(0, text.lastIndexOf('\n') + 1).split('\n');
  lines.pop(); // after the last line break
  const header = parse(first) as ShardHeader | undefined;
  if (header?.format !== 1) return undefined;
  const { layout } = header;
  const bytes = recordBytes(layout);
  const [vectors, dense] = await Promise.all([files.vectors, files.dense].map((path) => stat(path).then(({ size }) => size, () => 0)));
  const whole = Math.min(
    lines.length,
    bytes.vectors === 0 ? Infinity : Math.floor(vectors / bytes.vectors),
    bytes.dense === 0 ? Infinity : Math.floor(dense / bytes.dense),
  );
  const damaged = new Set((await readFile(files.damaged, 'utf8').catch(() => '')).split('\n'));
  const records = lines.slice(0, whole).flatMap((text, record) => {
    const line = parse(text) as IndexLine | undefined;
    if (!Array.isArray(line) || line.length !== 5 || damaged.has(String(record))) return [];
    const [id, size, modified, vectors, dense] = line;
    return [{ image: { id, size, modified }, record, vectors, dense }];
  });
  return { layout, records };
}

function parse(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return undefined;
  }
}
