import { CurationError } from '../error';

/** How numbers are kept in a file. */
export type VectorPrecision = 'float32' | 'float16';

export const bytesPerNumber: Readonly<Record<VectorPrecision, number>> = { float32: 4, float16: 2 };

const descriptions: Readonly<Record<VectorPrecision, string>> = { float32: '<f4', float16: '<f2' };

/** What stands before the numbers of a .npy file. */
export interface NpyHeader {
  readonly precision: VectorPrecision;
  readonly rows: number;
  readonly columns: number;
  /** Where the numbers begin. */
  readonly offset: number;
}

/** Bytes of {@link npyHeader}: enough for any shape, so that the rows can be counted after they are written. */
const HEADER_BYTES = 128;

/** Longest header that is read; a table of names would be longer, and is no matrix. */
export const longestNpyHeader = 4096;

/**
 * The header of a matrix, 128 bytes, version 1.0 of the format
 * (numpy.org/doc/stable/reference/generated/numpy.lib.format.html).
 */
export function npyHeader({ precision, rows, columns }: Omit<NpyHeader, 'offset'>): Buffer {
  const text = `{'descr': '${descriptions[precision]}', 'fortran_order': False, 'shape': (${rows}, ${columns}), }`;
  const header = Buffer.from(`\x93NUMPY\x01\x00\x00\x00${text.padEnd(HEADER_BYTES - 11)}\n`, 'latin1');
  header.writeUInt16LE(HEADER_BYTES - 10, 8);
  return header;
}

/**
 * Read the header at the start of a file.
 *
 * @throws CurationError when it is not that of a two-dimensional little-endian float32 or float16 array in C order
 */
export function parseNpyHeader(start: Uint8Array, path: string): NpyHeader {
  const bytes = Buffer.from(start.buffer, start.byteOffset, start.byteLength);
  if (bytes.length < 12 || bytes.toString('latin1', 0, 6) !== '\x93NUMPY') {
    throw new CurationError(`${path} is not a .npy file: it does not begin with \\x93NUMPY; save it with numpy.save`);
  }
  // From version 2 the length takes four bytes.
  const long = bytes[6]! > 1;
  const begin = long ? 12 : 10;
  const offset = begin + (long ? bytes.readUInt32LE(8) : bytes.readUInt16LE(8));
  const text = bytes.toString('latin1', begin, offset);
  const description = /'descr'\s*:\s*'([^']*)'/.exec(text)?.[1];
  const order = /'fortran_order'\s*:\s*(True|False)/.exec(text)?.[1];
  const shape = /'shape'\s*:\s*\(([\d,\sL]*)\)/.exec(text)?.[1];
  if (offset > bytes.length || description === undefined || order === undefined || shape === undefined) {
    throw new CurationError(`${path} has no readable .npy header; save a plain array with numpy.save`);
  }
  const precision = (['float32', 'float16'] as const).find((name) => descriptions[name] === description);
  if (precision === undefined) {
    throw new CurationError(`${path} holds ${description}; expected <f4 or <f2: save array.astype('float32')`);
  }
  const dimensions = shape.split(',').filter((part) => part.trim() !== '').map((part) => Number.parseInt(part, 10));
  if (dimensions.length !== 2 || dimensions[1] === 0) {
    throw new CurationError(`${path} has shape (${dimensions.join(', ')}); expected (rows, columns)`);
  }
  const [rows, columns] = dimensions as [number, number];
  if (order === 'True' && rows > 1 && columns > 1) {
    throw new CurationError(`${path} is in Fortran order; save numpy.ascontiguousarray(array)`);
  }
  return { precision, rows, columns, offset };
}
