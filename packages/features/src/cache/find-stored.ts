import { readdir } from 'node:fs/promises';
import { OpenShard } from './open-shard';
import { type IndexedRecord, readShard } from './read-shard';
import { checksum } from './record';
import { type FileState, indexSuffix, shardFiles } from './shard';

/** Where an image's features are. */
export interface StoredRecord {
  readonly shard: OpenShard;
  readonly record: number;
  /** Checksum of the dense part, which is compared when that is read. */
  readonly dense: number;
}

/**
 * The records of a folder for files in their present state, by path. A record whose vectors are damaged is
 * as if it were not there.
 */
export async function findStored(folder: string, files: ReadonlyMap<string, FileState>): Promise<Map<string, StoredRecord>> {
  const found = new Map<string, StoredRecord>();
  const names = (await readdir(folder)).filter((name) => name.endsWith(indexSuffix)).sort();
  for (const name of names) {
    const paths = shardFiles(folder, name.slice(0, -indexSuffix.length));
    const content = await readShard(paths);
    if (content === undefined) continue;
    const shard = new OpenShard(paths, content.layout);
    const wanted = content.records.filter(({ file }) => !found.has(file.path) && isSame(file, files.get(file.path)));
    const before = found.size;
    for (const { file, record, dense } of intact(shard, wanted)) found.set(file.path, { shard, record, dense });
    if (found.size === before) shard.close();
  }
  return found;
}

function isSame(a: FileState, b: FileState | undefined): boolean {
  return b !== undefined && a.size === b.size && a.modified === b.modified;
}

function intact(shard: OpenShard, records: readonly IndexedRecord[]): IndexedRecord[] {
  const right: IndexedRecord[] = [];
  shard.visitVectors(
    records.map(({ record }) => record),
    (bytes, i) => {
      if (checksum(bytes) === records[i].vectors) right.push(records[i]);
    },
  );
  return right;
}
