import { readFile } from 'node:fs/promises';
import { DataError } from './error';
import type { RasterSize } from './raster';

/** A two-dimensional array, row by row. */
export interface NpyArray extends RasterSize {
  readonly data: Float32Array | Float64Array | Uint16Array;
}

/** Array types by NumPy's name of the number format: little-endian floats and whole numbers. */
const arrayTypes = { '<f4': Float32Array, '<f8': Float64Array, '<u2': Uint16Array } as const;

/**
 * Read a map that `numpy.save` wrote: (height, width), or with one more dimension of length 1 at either end.
 *
 * @throws DataError when the file is missing, broken or truncated, of another number format, in Fortran's
 * order, or not two-dimensional.
 */
export async function readNpy(path: string): Promise<NpyArray> {
  const refuse = (reason: string, cause?: unknown): never => {
    throw new DataError(`cannot read the depth map ${path}: ${reason}`, { cause });
  };
  const file = await readFile(path).catch((cause: Error) => refuse(cause.message, cause));
  if (file.toString('latin1', 0, 6) !== '\x93NUMPY') refuse('it is no NumPy file');
  // Version 1 has a header length of 2 bytes, later ones of 4.
  const start = file[6] === 1 ? 10 : 12;
  if (file.length < start) refuse('it is truncated');
  const end = start + (file[6] === 1 ? file.readUInt16LE(8) : file.readUInt32LE(8));
  const header = file.toString('latin1', start, end);
  const format = /'descr': '([^']*)'/.exec(header)?.[1] ?? '';
  if (!(format in arrayTypes)) {
    refuse(`it holds '${format}'; save it with .astype(numpy.float32) or numpy.uint16, little-endian`);
  }
  if (!header.includes("'fortran_order': False")) {
    refuse("it is in Fortran's order; save numpy.ascontiguousarray(depth)");
  }
  const shape = (/'shape': \(([^)]*)\)/.exec(header)?.[1] ?? '').split(',').filter((n) => n.trim() !== '').map(Number);
  const [height, width] = shape.length === 3 && shape[0] === 1 ? shape.slice(1) : shape;
  if (shape.length < 2 || shape.length > 3 || height * width !== shape.reduce((a, b) => a * b, 1)) {
    refuse(`its shape is (${shape.join(', ')}); expected (height, width)`);
  }
  const ArrayType = arrayTypes[format as keyof typeof arrayTypes];
  const bytes = height * width * ArrayType.BYTES_PER_ELEMENT;
  if (file.length < end + bytes) refuse('it is truncated');
  // Copied, because values of several bytes must start at a multiple of their size.
  return { data: new ArrayType(Uint8Array.from(file.subarray(end, end + bytes)).buffer), width, height };
}
