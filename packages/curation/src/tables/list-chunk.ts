import { crc32 } from 'node:zlib';
import { maximumFloat16, writeFloat16 } from '@dinov2/primitives';
import type { ColumnChunk } from 'hyparquet';
import type { ByteWriter } from 'hyparquet-writer';
import { writePageHeader } from 'hyparquet-writer/src/datapage.js';
import { CurationError } from '../error';
import { bytesOf } from '../vectors/bytes-of';
import type { ListColumnType } from './column-types';
import { listLevels } from './list-levels';

/** Bytes of a page, about. Rows are read by pages where they are not read in place. */
const pageBytes = 1 << 20;

/**
 * Write vectors as the column chunk of a list. hyparquet-writer takes vectors of arrays value by value, some 600 rows of
 * 384 halves a second; of lists that are all of one width the levels are known, and the values are written as they lie.
 *
 * @param values - (rows, width)
 */
export function writeListChunk(writer: ByteWriter, name: string, { type, width }: ListColumnType, values: Float32Array): ColumnChunk {
  const start = writer.offset;
  const bytesPerValue = type === 'float16' ? 2 : 4;
  const rowsPerPage = Math.max(1, Math.floor(pageBytes / (width * bytesPerValue)));
  const rows = values.length / width;
  for (let first = 0; first < rows; first += rowsPerPage) {
    const count = Math.min(rowsPerPage, rows - first);
    const part = values.subarray(first * width, (first + count) * width);
    writePage(writer, bytesOf(type === 'float16' ? halves(name, part) : part), count, width);
  }
  const size = BigInt(writer.offset - start);
  return {
    file_offset: BigInt(start),
    meta_data: {
      type: type === 'float16' ? 'FIXED_LEN_BYTE_ARRAY' : 'FLOAT',
      encodings: ['PLAIN', 'RLE'],
      path_in_schema: [name, 'list', 'element'],
      codec: 'UNCOMPRESSED',
      num_values: BigInt(values.length),
      total_uncompressed_size: size,
      total_compressed_size: size,
      data_page_offset: BigInt(start),
    },
  };
}

function writePage(writer: ByteWriter, values: Uint8Array, rows: number, width: number): void {
  const { repetition, definition } = listLevels(rows, width);
  const parts = [repetition, definition, values];
  const size = parts.reduce((sum, { length }) => sum + length, 0);
  writePageHeader(writer, {
    type: 'DATA_PAGE_V2',
    uncompressed_page_size: size,
    compressed_page_size: size,
    // Signed in the file.
    crc: parts.reduce((crc, part) => crc32(part, crc), 0) | 0,
    data_page_header_v2: {
      num_values: rows * width,
      num_nulls: 0,
      num_rows: rows,
      encoding: 'PLAIN',
      repetition_levels_byte_length: repetition.length,
      definition_levels_byte_length: definition.length,
      is_compressed: false,
    },
  });
  for (const part of parts) writer.appendBytes(part);
}

function halves(name: string, values: Float32Array): Uint16Array {
  const large = values.find((value) => Math.abs(value) > maximumFloat16);
  if (large !== undefined) {
    throw new CurationError(`column "${name}" holds ${large}, and float16 ends at ${maximumFloat16}; write float32`);
  }
  return writeFloat16(values);
}
