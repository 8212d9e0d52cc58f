import { crc32 } from 'node:zlib';
import { readFloat16 } from '@dinov2/primitives';
import { type ColumnMetaData, parquetSchema, type SchemaTree } from 'hyparquet';
import { parquetHeader } from 'hyparquet/src/column.js';
import { convert, convertWithDictionary, DEFAULT_PARSERS } from 'hyparquet/src/convert.js';
import { decompressPage, readDataPage, readDataPageV2 } from 'hyparquet/src/datapage.js';
import { readPlain } from 'hyparquet/src/plain.js';
import type { ColumnDecoder, DataPage, PageHeader } from 'hyparquet/src/types.js';
import { CurationError } from '../error';
import { listLevels } from './list-levels';
import { compressors, type ParquetFile } from './parquet-file';

/** Bytes that hold a page's header, as a rule. */
const headerBytes = 1024;

interface Page {
  readonly header: PageHeader;
  /** Where what follows the header begins. */
  readonly body: number;
  /** Number of its first value in the column, and of its values. */
  readonly first: number;
  readonly count: number;
  readonly chunk: Chunk;
  /** Where the values lie one after another, `false` where they must be decoded, `undefined` before it was looked at. */
  plain?: number | false;
}

interface Chunk {
  readonly decoder: ColumnDecoder;
  dictionary?: ArrayLike<number>;
}

/** Vectors of one column of a file, read page by page. */
export class ListPages {
  private readonly pages: Page[] = [];
  private nextGroup = 0;
  private decoded: { page: Page; values: Float32Array } | undefined;

  private constructor(
    private readonly file: ParquetFile,
    private readonly name: string,
    private readonly schemaPath: SchemaTree[],
    /** Numbers per row. */
    readonly width: number,
  ) {}

  /**
   * @throws CurationError when the column is missing, holds something else, or vectors of several lengths
   */
  static open(file: ParquetFile, name: string): ListPages {
    const { metadata, path } = file;
    const root = parquetSchema(metadata);
    const column = root.children.find((child) => child.element.name === name);
    const schemaPath = column && listPath(root, column);
    if (schemaPath === undefined) {
      const names = root.children.map((child) => child.element.name).join(', ');
      throw new CurationError(`${path} has ${column ? `no vectors in its column "${name}"` : `no column "${name}"`}; its columns are ${names}`);
    }
    const values = metadata.row_groups.reduce((sum, group) => sum + Number(chunkOf(group.columns, schemaPath).num_values), 0);
    const rows = Number(metadata.num_rows);
    if (rows > 0 && (values % rows !== 0 || values === 0)) {
      throw new CurationError(`column "${name}" of ${path} has ${values} numbers in ${rows} rows; vectors must be of one length`);
    }
    return new ListPages(file, name, schemaPath, rows === 0 ? 0 : values / rows);
  }

  /** Read rows `first` … `first + count − 1` to `target`, (count, width), from `offset` on. */
  async read(first: number, count: number, target: Float32Array, offset: number): Promise<void> {
    const { width } = this;
    const end = (first + count) * width;
    for (let at = first * width; at < end; ) {
      const page = await this.pageOf(at);
      const upTo = Math.min(end, page.first + page.count);
      const part = target.subarray(offset + at - first * width, offset + upTo - first * width);
      await this.readPage(page, at - page.first, part);
      at = upTo;
    }
  }

  /** Fill `target` from value `first` of a page. */
  private async readPage(page: Page, first: number, target: Float32Array): Promise<void> {
    page.plain ??= await this.findPlainValues(page);
    if (page.plain === false) {
      if (this.decoded?.page !== page) this.decoded = { page, values: await this.decode(page) };
      target.set(this.decoded.values.subarray(first, first + target.length));
      return;
    }
    const { type } = page.chunk.decoder;
    const numbers = type === 'FLOAT' ? new Float32Array(target.length) : new Uint16Array(target.length);
    const bytes = new Uint8Array(numbers.buffer);
    if (target.length === page.count && page.header.crc !== undefined) {
      const body = await this.bodyOf(page);
      bytes.set(body.subarray(page.plain - page.body));
    } else {
      await this.file.readInto(bytes, page.plain + first * numbers.BYTES_PER_ELEMENT);
    }
    target.set(numbers instanceof Uint16Array ? readFloat16(numbers) : numbers);
  }

  /** Where a page's values lie as they are, if the page is one of whole rows and nothing is compressed. */
  private async findPlainValues({ header, body, first, count, chunk }: Page): Promise<number | false> {
    const { width } = this;
    const { type, element, codec } = chunk.decoder;
    const v2 = header.data_page_header_v2;
    const half = type === 'FIXED_LEN_BYTE_ARRAY' && element.logical_type?.type === 'FLOAT16';
    const stored = v2?.encoding === 'PLAIN' && (v2.is_compressed === false || codec === 'UNCOMPRESSED') && (half || type === 'FLOAT');
    if (!stored || first % width !== 0 || count !== v2.num_rows * width) return false;
    const { repetition, definition } = listLevels(v2.num_rows, width);
    const levels = repetition.length + definition.length;
    if (v2.repetition_levels_byte_length !== repetition.length || v2.definition_levels_byte_length !== definition.length) return false;
    if (header.compressed_page_size !== levels + count * (half ? 2 : 4)) return false;
    const found = Buffer.from(await this.file.slice(body, body + levels));
    return Buffer.concat([repetition, definition]).equals(found) && body + levels;
  }

  private async decode(page: Page): Promise<Float32Array> {
    const { header, chunk, count } = page;
    const { decoder } = chunk;
    const { width, name, file } = this;
    const bytes = await this.bodyOf(page);
    const { encoding } = (header.data_page_header ?? header.data_page_header_v2)!;
    let content: DataPage;
    try {
      content = header.data_page_header
        ? readDataPage(decompressPage(bytes, header.uncompressed_page_size, decoder.codec, decoder.compressors), header.data_page_header, decoder)
        : readDataPageV2(bytes, header, decoder);
    } catch (cause) {
      throw new CurationError(`column "${name}" of ${file.path} cannot be read: ${(cause as Error).message}`, { cause });
    }
    const values = convertWithDictionary(content.dataPage, chunk.dictionary as never, encoding, decoder);
    if (values.length !== count || content.repetitionLevels.some((level, i) => (level === 0) !== ((page.first + i) % width === 0))) {
      throw new CurationError(`column "${name}" of ${file.path} has nulls or vectors of several lengths; give every row ${width} numbers`);
    }
    return Float32Array.from(values as ArrayLike<number>);
  }

  /** The bytes of a page, compared with their checksum if there is one. */
  private async bodyOf({ header, body }: Page): Promise<Uint8Array> {
    const bytes = new Uint8Array(await this.file.slice(body, body + header.compressed_page_size));
    if (header.crc !== undefined && (crc32(bytes) | 0) !== header.crc) {
      throw new CurationError(`a page at byte ${body} of ${this.file.path} is damaged; write or copy the file again`);
    }
    return bytes;
  }

  /** The page of a value. Headers are read as far as they are needed. */
  private async pageOf(value: number): Promise<Page> {
    const { pages } = this;
    const { row_groups: groups } = this.file.metadata;
    const known = () => (pages.length === 0 ? 0 : pages.at(-1)!.first + pages.at(-1)!.count);
    while (value >= known()) {
      if (this.nextGroup >= groups.length) throw new CurationError(`${this.file.path} has fewer values in its column "${this.name}" than it says; write or copy it again`);
      await this.findPages(chunkOf(groups[this.nextGroup++].columns, this.schemaPath), known());
    }
    let [low, high] = [0, pages.length - 1];
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if (pages[middle].first <= value) low = middle;
      else high = middle - 1;
    }
    return pages[low];
  }

  /** Add the pages of a chunk, whose first value has the number `first`. */
  private async findPages(columnMetadata: ColumnMetaData, first: number): Promise<void> {
    const { file, schemaPath } = this;
    const { path_in_schema, codec, type, data_page_offset, dictionary_page_offset, total_compressed_size } = columnMetadata;
    const element = schemaPath.at(-1)!.element;
    const chunk: Chunk = { decoder: { pathInSchema: path_in_schema, type, element, schemaPath, codec, parsers: DEFAULT_PARSERS, compressors } };
    let at = Number(dictionary_page_offset || data_page_offset);
    const end = at + Number(total_compressed_size);
    while (at < end) {
      const window = await file.slice(at, Math.min(end, at + headerBytes));
      const reader = { view: new DataView(window), offset: 0 };
      const header = readHeader(reader, file.path, at);
      const page = { header, body: at + reader.offset, first, count: 0, chunk };
      if (header.type === 'DICTIONARY_PAGE') {
        const bytes = decompressPage(await this.bodyOf(page), header.uncompressed_page_size, codec, compressors);
        const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
        const values = readPlain({ view, offset: 0 }, type, header.dictionary_page_header!.num_values, element.type_length);
        chunk.dictionary = convert(values, chunk.decoder) as ArrayLike<number>;
      } else {
        const count = (header.data_page_header ?? header.data_page_header_v2)!.num_values;
        this.pages.push({ ...page, count });
        first += count;
      }
      at += reader.offset + header.compressed_page_size;
    }
  }
}

function readHeader(reader: { view: DataView; offset: number }, path: string, position: number): PageHeader {
  try {
    const header = parquetHeader(reader);
    if (header.compressed_page_size >= 0 && (header.data_page_header ?? header.data_page_header_v2 ?? header.dictionary_page_header)) return header;
  } catch {
    // Told below.
  }
  throw new CurationError(`the page at byte ${position} of ${path} is damaged; write or copy the file again`);
}

/** From the root to the values of a list of numbers; undefined for other columns. */
export function listPath(root: SchemaTree, column: SchemaTree): SchemaTree[] | undefined {
  const { converted_type, logical_type } = column.element;
  if (converted_type !== 'LIST' && logical_type?.type !== 'LIST') return undefined;
  const path = [root, column];
  while (path.at(-1)!.children.length === 1) path.push(path.at(-1)!.children[0]);
  const { element, children } = path.at(-1)!;
  const numeric = element.type === 'FLOAT' || element.type === 'DOUBLE' || element.logical_type?.type === 'FLOAT16';
  const lists = path.filter((node) => node.element.repetition_type === 'REPEATED').length;
  return children.length === 0 && numeric && lists === 1 ? path : undefined;
}

function chunkOf(columns: readonly { meta_data?: ColumnMetaData }[], schemaPath: readonly SchemaTree[]): ColumnMetaData {
  const path = schemaPath.at(-1)!.path.join('.');
  return columns.find(({ meta_data }) => meta_data?.path_in_schema.join('.') === path)!.meta_data!;
}
