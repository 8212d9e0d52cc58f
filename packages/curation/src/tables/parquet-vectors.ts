import { CurationError } from '../error';
import { checkRange } from '../vectors/check-range';
import { gatherRows } from '../vectors/gather-rows';
import type { Vectors } from '../vectors/vectors';
import { ListPages } from './list-pages';
import { tableFiles } from './open-table';
import { openParquetFile, type ParquetFile, sensibly } from './parquet-file';

/** Which vectors of a Parquet file to read. */
export interface ParquetVectorsOptions {
  /** Name of their column; `embedding` by default. */
  readonly column?: string;
}

/**
 * The vectors of a column of a Parquet file, or of a folder of `part-….parquet` files in the order of their names. Rows are
 * read in place where {@link writeTable} wrote them, page by page where another program did; a page is all that is kept.
 *
 * @throws CurationError when a file is missing or damaged, or vectors differ in length
 */
export async function openParquetVectors(path: string, { column = 'embedding' }: ParquetVectorsOptions = {}): Promise<Vectors> {
  const files: ParquetFile[] = [];
  const close = async () => {
    await Promise.all(files.map((file) => file.close()));
  };
  try {
    const parts: { file: string; pages: ListPages; first: number; rows: number }[] = [];
    let rows = 0;
    for (const file of tableFiles(path)) {
      files.push(await openParquetFile(file));
      const opened = files.at(-1)!;
      const pages = await sensibly(file, () => ListPages.open(opened, column));
      const part = { file, pages, first: rows, rows: Number(opened.metadata.num_rows) };
      if (part.rows > 0) parts.push(part);
      rows += part.rows;
    }
    const columns = parts[0]?.pages.width ?? 0;
    const other = parts.find(({ pages }) => pages.width !== columns);
    if (other !== undefined) throw new CurationError(`parts of ${path} hold vectors of ${columns} and of ${other.pages.width} numbers; embed all images with the same network`);
    const read = async (first: number, count: number): Promise<Float32Array> => {
      checkRange(first, count, rows, path);
      const target = new Float32Array(count * columns);
      for (const part of parts) {
        const from = Math.max(first, part.first);
        const to = Math.min(first + count, part.first + part.rows);
        if (from < to) await sensibly(part.file, () => part.pages.read(from - part.first, to - from, target, (from - first) * columns));
      }
      return target;
    };
    return { rows, columns, read, gather: (wanted) => gatherRows({ rows, columns, read }, wanted), close };
  } catch (error) {
    await close();
    throw error;
  }
}
