import { open, rename, rm } from 'node:fs/promises';
import { maximumFloat16, writeFloat16 } from '@dinov2/primitives';
import { CurationError } from '../error';
import { bytesOf } from './bytes-of';
import { npyHeader, type VectorPrecision } from './npy-header';

/** Appends rows to a .npy file. */
export interface NpyWriter {
  /** Rows written so far. */
  readonly rows: number;
  /**
   * Append rows, (n, columns).
   *
   * @throws CurationError when they are not whole rows, or beyond what float16 holds
   */
  append(rows: Float32Array): Promise<void>;
  /** Say how many rows there are and give the file its name. */
  close(): Promise<void>;
  /** Remove what was written. */
  abort(): Promise<void>;
}

/**
 * Write a matrix of unknown height as a .npy file. It stands under another name until it is closed, so that `path`
 * is a whole file or none.
 */
export async function writeNpy(path: string, columns: number, precision: VectorPrecision = 'float32'): Promise<NpyWriter> {
  if (!Number.isInteger(columns) || columns < 1) throw new CurationError(`${path}: ${columns} columns; pass a whole number of at least 1`);
  const partial = `${path}.${process.pid}.partial`;
  const file = await open(partial, 'w');
  let rows = 0;
  await file.appendFile(npyHeader({ precision, rows, columns }));
  return {
    get rows() {
      return rows;
    },
    async append(data) {
      if (data.length % columns !== 0) throw new CurationError(`${path}: ${data.length} numbers are not rows of ${columns} columns`);
      await file.appendFile(bytesOf(precision === 'float32' ? data : halves(data, path, { first: rows, columns })));
      rows += data.length / columns;
    },
    async close() {
      await file.write(npyHeader({ precision, rows, columns }), 0, undefined, 0);
      await file.sync();
      await file.close();
      await rename(partial, path);
    },
    async abort() {
      await file.close();
      await rm(partial, { force: true });
    },
  };
}

function halves(data: Float32Array, path: string, { first, columns }: { first: number; columns: number }): Uint16Array {
  const large = data.findIndex((value) => Math.abs(value) > maximumFloat16);
  if (large >= 0) {
    throw new CurationError(
      `${path}: row ${first + Math.floor(large / columns)} holds ${data[large]}, and float16 ends at ${maximumFloat16}; write float32`,
    );
  }
  const target = new Uint16Array(data.length);
  writeFloat16(data, target);
  return target;
}
