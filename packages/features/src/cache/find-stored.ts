import { readdir } from 'node:fs/promises';
import type { ShardContent } from './covers';
import { OpenShard } from './open-shard';
import { type IndexedRecord, readShard } from './read-shard';
import { checksum } from './record';
import { type ImageState, indexSuffix, shardFiles } from './shard';

/** Where an image's features are. */
export interface StoredRecord {
  readonly shard: OpenShard;
  readonly record: number;
  /** Checksum of the dense part, which is compared when that is read. */
  readonly dense: number;
}

/**
 * The records of a folder with the wanted content for images in their present state, by id. A record whose vectors are damaged is
 * as if it were not there.
 */
export async function findStored(
  folder: string,
  images: ReadonlyMap<string, ImageState>,
  isWanted: (content: ShardContent) => boolean,
): Promise<Map<string, StoredRecord>> {
  const found = new Map<string, StoredRecord>();
  const names = (await readdir(folder)).filter((name) => name.endsWith(indexSuffix)).sort();
  for (const name of names) {
    const paths = shardFiles(folder, name.slice(0, -indexSuffix.length));
    const indexed = await readShard(paths, isWanted);
    if (indexed === undefined) continue;
    const shard = new OpenShard(paths, indexed.content);
    const wanted = indexed.records.filter(({ image }) => !found.has(image.id) && isSame(image, images.get(image.id)));
    const before = found.size;
    for (const { image, record, dense } of intact(shard, wanted)) found.set(image.id, { shard, record, dense });
    if (found.size === before) shard.close();
  }
  return found;
}

function isSame(a: ImageState, b: ImageState | undefined): boolean {
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
