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
    return this.vectors((classTokens - block) * this.embedDim);
  }

  meanPatches(): HostArray {
    const { classTokens, meanPatch } = this.outputs;
    if (meanPatch !== true) throw new FeaturesError('the table has no means of patch tokens; ask for meanPatch: true when extracting');
    return this.vectors(classTokens * this.embedDim);
  }

  patchTokens(i: number): Promise<HostArray> {
    if (this.outputs.patchTokens === undefined) {
      throw new FeaturesError('the table has no patch tokens; ask for the patchTokens of some blocks when extracting');
    }
    return this.dense(i, 'patchTokens');
  }

  attention(i: number): Promise<HostArray> {
    if (this.outputs.attention !== true) throw new FeaturesError('the table has no attention; ask for attention: true when extracting');
    return this.dense(i, 'attention');
  }

  async close(): Promise<void> {
    for (const shard of new Set(this.rows.map(({ shard }) => shard))) shard.close();
    await this.onClose();
  }

  /** (N, D) of the numbers from `start` of every record. */
  private vectors(start: number): HostArray {
    const D = this.embedDim;
    const data = new Float32Array(this.count * D);
    const ofShard = new Map<OpenShard, number[]>();
    this.rows.forEach(({ shard }, i) => {
      const list = ofShard.get(shard);
      if (list === undefined) ofShard.set(shard, [i]);
      else list.push(i);
    });
    for (const [shard, rows] of ofShard) {
      rows.sort((a, b) => this.rows[a].record - this.rows[b].record);
      shard.visitVectors(
        rows.map((row) => this.rows[row].record),
        ({ buffer, byteOffset }, i) => data.set(new Float32Array(buffer, byteOffset + 4 * start, D), rows[i] * D),
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
      await appendFile(shard.files.damaged, `${record}\n`);
      throw new FeaturesError(`the features of ${path} in ${shard.files.dense} are damaged; extract again, which computes them anew`);
    }
    return decodeDense(bytes, shard.layout, name);
  }
}
