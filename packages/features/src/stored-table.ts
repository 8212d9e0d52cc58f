import { appendFile } from 'node:fs/promises';
import type { SkippedFile } from '@dinov2/data';
import type { HostArray } from '@dinov2/vit';
import type { StoredRecord } from './cache/find-stored';
import type { OpenShard } from './cache/open-shard';
import { checksum, decodeDense } from './cache/record';
import { FeaturesError } from './error';
import type { FeatureTable, Outputs } from './types';

/** Row of a table: an image of the source and where its features are. */
export interface StoredRow extends StoredRecord {
  readonly index: number;
  readonly path: string;
}

/** A table whose features are read from disk when they are asked for. */
export class StoredTable implements FeatureTable {
  readonly count: number;
  readonly indices: Int32Array;
  readonly paths: readonly string[];

  constructor(
    private readonly rows: readonly StoredRow[],
    readonly skipped: readonly SkippedFile[],
    private readonly outputs: Outputs,
    private readonly embedDim: number,
    private readonly onClose: () => Promise<void>,
  ) {
    this.count = rows.length;
    this.indices = Int32Array.from(rows, ({ index }) => index);
    this.paths = rows.map(({ path }) => path);
  }

  classTokens(block = 1): HostArray {
    const { classTokens } = this.outputs;
    if (!Number.isInteger(block) || block < 1 || block > classTokens) {
      throw new FeaturesError(
        `class tokens of block ${block} from the end of a table with ${classTokens}; ask for classTokens: ${block} when extracting`,
      );
    }
    return this.vectors((stored) => stored.classTokens - block);
  }

  meanPatches(): HostArray {
    if (this.outputs.meanPatch !== true) throw new FeaturesError('the table has no means of patch tokens; ask for meanPatch: true when extracting');
    return this.vectors((stored) => stored.classTokens);
  }

  async patchTokens(i: number): Promise<HostArray> {
    const { patchTokens } = this.outputs;
    if (patchTokens === undefined) {
      throw new FeaturesError('the table has no patch tokens; ask for the patchTokens of some blocks when extracting');
    }
    const stored = await this.dense(i, 'patchTokens');
    return pick(stored, this.rows[i].shard.content.outputs.patchTokens!, patchTokens);
  }

  async attention(i: number): Promise<HostArray> {
    if (this.outputs.attention !== true) throw new FeaturesError('the table has no attention; ask for attention: true when extracting');
    return this.dense(i, 'attention');
  }

  async close(): Promise<void> {
    for (const shard of new Set(this.rows.map(({ shard }) => shard))) shard.close();
    await this.onClose();
  }

  /** (N, D) of one vector of every record, which has the class tokens in network order and then the mean. */
  private vectors(place: (stored: Outputs) => number): HostArray {
    const D = this.embedDim;
    const data = new Float32Array(this.count * D);
    const ofShard = new Map<OpenShard, number[]>();
    this.rows.forEach(({ shard }, i) => {
      const list = ofShard.get(shard);
      if (list === undefined) ofShard.set(shard, [i]);
      else list.push(i);
    });
    for (const [shard, rows] of ofShard) {
      const start = 4 * D * place(shard.content.outputs);
      rows.sort((a, b) => this.rows[a].record - this.rows[b].record);
      shard.visitVectors(
        rows.map((row) => this.rows[row].record),
        ({ buffer, byteOffset }, i) => data.set(new Float32Array(buffer, byteOffset + start, D), rows[i] * D),
      );
    }
    return { data, shape: [this.count, D] };
  }

  private async dense(i: number, name: 'patchTokens' | 'attention'): Promise<HostArray> {
    const row = this.rows[i];
    if (row === undefined) throw new FeaturesError(`row ${i} of a table of ${this.count} images; rows are 0 to ${this.count - 1}`);
    const { shard, record, path } = row;
    const bytes = await shard.readDense(record);
    if (checksum(bytes) !== row.dense) {
      // In a cache that cannot be written, the next reader notices it again.
      await appendFile(shard.files.damaged, `${record}\n`).catch(() => {});
      throw new FeaturesError(`the features of ${path} in ${shard.files.dense} are damaged; extract again, which computes them anew`);
    }
    return decodeDense(bytes, shard.content.layout, name);
  }
}

/** Of (blocks, …), the wanted blocks in their order. */
function pick({ data, shape }: HostArray, blocks: readonly number[], wanted: readonly number[]): HostArray {
  if (wanted.length === blocks.length && wanted.every((block, i) => block === blocks[i])) return { data, shape };
  const size = data.length / blocks.length;
  const picked = new Float32Array(wanted.length * size);
  wanted.forEach((block, i) => {
    const from = blocks.indexOf(block) * size;
    picked.set(data.subarray(from, from + size), i * size);
  });
  return { data: picked, shape: [wanted.length, ...shape.slice(1)] };
}
