import { dirname, join } from 'node:path';
import { WeightsError } from '../errors';
import { isRecord, parseJson } from './parse-json';
import type { RandomAccessFile } from './random-access-file';
import { entryOf, listSome, type TensorEntry, type WeightsFile } from './weights-file';

/**
 * Open weights that are spread over several files, by the index that says which tensor lies where.
 * Every shard must be there and hold exactly what the index says.
 */
export async function openSharded(index: RandomAccessFile, open: (path: string) => Promise<WeightsFile>): Promise<WeightsFile> {
  const { path } = index;
  const weightMap = await readWeightMap(index);
  const names = [...new Set(weightMap.values())].sort();
  const shards = new Map<string, WeightsFile>();
  const close = async (): Promise<void> => {
    await Promise.all([...shards.values()].map((shard) => shard.close()));
  };
  try {
    const missing: string[] = [];
    for (const name of names) {
      try {
        shards.set(name, await open(join(dirname(path), name)));
      } catch (error) {
        if (((error as Error).cause as NodeJS.ErrnoException | undefined)?.code !== 'ENOENT') throw error;
        missing.push(name);
      }
    }
    if (missing.length > 0) {
      throw new WeightsError(`${path} names ${names.length} shards, of which ${listSome(missing)} are missing beside it. Download them.`);
    }

    const entries = new Map<string, TensorEntry>();
    for (const [name, shard] of weightMap) {
      const entry = shards.get(shard)!.entries.get(name);
      if (entry === undefined) throw disagree(path, `tensor "${name}" is not in "${shard}"`);
      entries.set(name, entry);
    }
    for (const [shard, file] of shards) {
      for (const name of file.entries.keys()) {
        if (weightMap.get(name) !== shard) throw disagree(path, `"${shard}" holds tensor "${name}", which the index does not place there`);
      }
    }
    const shardOf = (name: string): WeightsFile => {
      entryOf(path, entries, name);
      return shards.get(weightMap.get(name)!)!;
    };
    const [first] = shards.values();
    return {
      path,
      format: first.format,
      entries,
      metadata: first.metadata,
      values: new Map(),
      read: async (name) => shardOf(name).read(name),
      readInto: async (name, target, offset) => shardOf(name).readInto(name, target, offset),
      close,
    };
  } catch (error) {
    await close();
    throw error;
  }
}

const maximumIndexBytes = 100_000_000;
const maximumShards = 1000;

async function readWeightMap(index: RandomAccessFile): Promise<Map<string, string>> {
  const { path, size } = index;
  if (size > maximumIndexBytes) throw notAnIndex(path, `it has ${size} bytes, more than ${maximumIndexBytes}`);
  const json = new Uint8Array(size);
  await index.read(json, 0);
  let map: unknown;
  try {
    map = parseJson(json, { depth: 8, values: 1_000_000 }).weight_map;
  } catch (error) {
    throw notAnIndex(path, `it ${(error as Error).message}`);
  }
  if (!isRecord(map)) throw notAnIndex(path, 'it has no object "weight_map"');
  const weightMap = new Map<string, string>();
  for (const [name, shard] of Object.entries(map)) {
    // Shards lie beside the index. A name with a folder in it could point at any file of the machine.
    if (typeof shard !== 'string' || shard === '' || shard === '.' || shard === '..' || /[/\\:\0]/.test(shard)) {
      throw notAnIndex(path, `it places tensor "${name}" in ${JSON.stringify(shard)?.slice(0, 200)}, which is not the plain name of a file`);
    }
    weightMap.set(name, shard);
  }
  const shards = new Set(weightMap.values()).size;
  if (shards === 0 || shards > maximumShards) throw notAnIndex(path, `it names ${shards} shards`);
  return weightMap;
}

const notAnIndex = (path: string, fault: string): WeightsError =>
  new WeightsError(`${path} is not the index of sharded weights: ${fault}. Open the weights themselves, or download the index again.`);

const disagree = (path: string, fault: string): WeightsError =>
  new WeightsError(`${path} and its shards do not belong together: ${fault}. Download all of them again.`);
