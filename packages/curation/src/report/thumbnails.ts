import { open } from 'node:fs/promises';
import { join } from 'node:path';
import sharp from 'sharp';
import { runFiles } from '../plan/run-files';
import { type Column, numberAt, readColumns } from './columns';

/** Longest side of a picture on the page in pixels. */
const side = 88;

/** An image of a run as the page shows it. */
export interface Thumbnail {
  readonly id: number;
  /** Data URI; empty when the file is gone or the page has enough. */
  readonly image: string;
  readonly path: string;
  readonly width: number | undefined;
  readonly height: number | undefined;
}

/** Small pictures of a run's images, as many as a page can bear. */
export class Thumbnails {
  private readonly made = new Map<number, Promise<Thumbnail>>();
  private left: number;

  private constructor(
    private readonly columns: Readonly<Record<'path' | 'offset' | 'length' | 'width' | 'height', Column>> | undefined,
    limit: number,
  ) {
    this.left = limit;
  }

  /** Of the images of a run folder; after `limit` of them places stay empty. */
  static async open(run: string, limit: number): Promise<Thumbnails> {
    const table = await readColumns(join(run, runFiles.images), ['path', 'offset', 'length', 'width', 'height']);
    return new Thumbnails(table?.columns, limit);
  }

  path(id: number): string {
    return String(this.columns?.path[id] ?? '');
  }

  of(id: number): Promise<Thumbnail> {
    const known = this.made.get(id);
    if (known !== undefined) return known;
    const made = this.make(id);
    this.made.set(id, made);
    return made;
  }

  private async make(id: number): Promise<Thumbnail> {
    const path = this.path(id);
    const about = { id, path, width: numberAt(this.columns?.width, id), height: numberAt(this.columns?.height, id) };
    if (path === '' || this.left <= 0) return { ...about, image: '' };
    this.left--;
    // A file that changed or went away since the run must not cost the report.
    const image = await small(path, numberAt(this.columns?.offset, id), numberAt(this.columns?.length, id)).catch(() => '');
    return { ...about, image };
  }
}

async function small(path: string, offset: number | undefined, length: number | undefined): Promise<string> {
  const bytes = await sharp(offset === undefined || length === undefined ? path : await readSpan(path, offset, length))
    .resize(side, side, { fit: 'inside', withoutEnlargement: true })
    .flatten({ background: '#808080' })
    .jpeg({ quality: 72, mozjpeg: true })
    .toBuffer();
  return `data:image/jpeg;base64,${bytes.toString('base64')}`;
}

async function readSpan(path: string, offset: number, length: number): Promise<Buffer> {
  const file = await open(path);
  try {
    const bytes = Buffer.alloc(length);
    await file.read(bytes, 0, length, offset);
    return bytes;
  } finally {
    await file.close();
  }
}
