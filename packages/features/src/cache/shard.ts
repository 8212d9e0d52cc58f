import { join } from 'node:path';
import type { ShardContent } from './covers';

/**
 * The files of one shard, which one process writes and nobody changes afterwards: records one after the
 * other in `.vectors` and `.dense`, and a line for each in `.index`, written after them.
 */
export interface ShardFiles {
  readonly index: string;
  readonly vectors: string;
  readonly dense: string;
  /** Numbers of records, a line each, that were found damaged when they were read. */
  readonly damaged: string;
}

export const indexSuffix = '.index.jsonl';

export function shardFiles(folder: string, name: string): ShardFiles {
  const path = join(folder, name);
  return { index: path + indexSuffix, vectors: `${path}.vectors`, dense: `${path}.dense`, damaged: `${path}.damaged` };
}

/** First line of an index. */
export interface ShardHeader extends ShardContent {
  readonly format: 1;
}

/** An image: a state of a file, or of a part of it. */
export interface ImageState {
  /** Absolute path, with the rectangle behind it where the image is a part of the file. */
  readonly id: string;
  readonly size: number;
  /** Time of change in nanoseconds, as text. */
  readonly modified: string;
}

/** A line of an index: whose features the record holds, and the checksums of its two parts. */
export type IndexLine = readonly [id: string, size: number, modified: string, vectors: number, dense: number];
