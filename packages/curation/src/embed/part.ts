import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { EvaluationBatch, ImageSource } from '@dinov2/data';
import type { Tokens } from '@dinov2/features';
import { CurationError } from '../error';
import { hashOf } from '../hashes/hash-of';
import { openTable, writeTableInParts } from '../tables';
import type { ImageDescription } from './describe-image';
import { embeddingSchema, qualityNames } from './embedding-schema';

/** An image that cannot be used. */
export interface FailedImage {
  /** Number of the image in its source. */
  readonly id: number;
  readonly path: string;
  readonly offset: number | null;
  readonly length: number | null;
  readonly reason: string;
}

/** A stretch of the images of a source, embedded into one file. */
export interface Part {
  readonly number: number;
  readonly path: string;
  /** Number in the source of its first image, and of its images. */
  readonly first: number;
  readonly count: number;
  /** A hash of the images' places and sizes. */
  readonly images: string;
}

/** What a part's file says of itself. */
export interface PartNote {
  /** A hash of the network, how pictures are prepared and how they are kept. */
  readonly key: string;
  /** Name of the network. */
  readonly network: string;
  readonly images: string;
  readonly failed: readonly FailedImage[];
}

const noteName = 'dinov2.embedding';

/** `part-00012.parquet` */
export const partName = (number: number): string => `part-${String(number).padStart(5, '0')}.parquet`;

/** The images of a source in parts of `rows`. */
export async function planPart(source: ImageSource, folder: string, number: number, rows: number): Promise<Part> {
  const first = number * rows;
  const count = Math.min(rows, source.paths.length - first);
  const sizes = await fileSizes(source.paths.slice(first, first + count));
  const images = Array.from({ length: count }, (_, i) => {
    const { offset, length } = source.spans?.[first + i] ?? {};
    return [source.paths[first + i], offset, length, source.boxes?.[first + i], sizes[i]];
  });
  return { number, path: join(folder, partName(number)), first, count, images: hashOf(images) };
}

/** Bytes of each file; −1 for one that cannot be looked at. */
async function fileSizes(paths: readonly string[]): Promise<number[]> {
  const known = new Map<string, Promise<number>>();
  for (const path of paths) {
    if (!known.has(path)) known.set(path, stat(path).then(({ size }) => size, () => -1));
  }
  return Promise.all(paths.map((path) => known.get(path)!));
}

/** The note and number of rows of a whole part; undefined where there is none. */
export async function readNote(path: string): Promise<(PartNote & { readonly rows: number }) | undefined> {
  const table = await openTable(path).catch((error: unknown) => {
    if (error instanceof CurationError) return undefined;
    throw error;
  });
  if (table === undefined) return undefined;
  await table.close();
  const note = table.metadata[noteName];
  return note === undefined ? undefined : { ...(JSON.parse(note) as PartNote), rows: table.rows };
}

/** Collects what is found of the images of a part, and writes it. */
export class PartWriter {
  private readonly ids: number[] = [];
  private readonly descriptions: ImageDescription[] = [];
  private readonly failed: FailedImage[] = [];
  private readonly embeddings: Float32Array;

  constructor(
    private readonly part: Part,
    private readonly source: ImageSource,
    private readonly columns: number,
  ) {
    this.embeddings = new Float32Array(part.count * columns);
  }

  /** Whether nothing is missing any more. */
  get complete(): boolean {
    return this.ids.length + this.failed.length === this.part.count;
  }

  /** Images by their number in the source. */
  skip({ skipped }: EvaluationBatch): void {
    for (const { path, index, span, reason } of skipped) {
      this.failed.push({ id: index, path, offset: span?.offset ?? null, length: span?.length ?? null, reason });
    }
  }

  add({ indices, descriptions }: EvaluationBatch, { classTokens, meanPatch }: Tokens): void {
    const { columns } = this;
    const [, tokens] = classTokens.shape;
    for (const [i, index] of indices.entries()) {
      const { data, from } = tokens > 0 ? { data: classTokens.data, from: (i * tokens + tokens - 1) * columns } : { data: meanPatch!.data, from: i * columns };
      const vector = data.subarray(from, from + columns);
      if (!vector.every(Number.isFinite)) {
        throw new CurationError(`the embedding of ${this.source.paths[index]} is not finite; check the weights for a damaged file or a diverged run`);
      }
      this.embeddings.set(vector, this.ids.length * columns);
      this.ids.push(index);
      this.descriptions.push(descriptions![i] as ImageDescription);
    }
  }

  async write(precision: 'float16' | 'float32', note: Pick<PartNote, 'key' | 'network'>): Promise<PartNote & { readonly rows: number }> {
    const { ids, descriptions, part, source, columns } = this;
    const failed = this.failed.sort((a, b) => a.id - b.id);
    const whole: PartNote = { ...note, images: part.images, failed };
    const spans = ids.map((id) => source.spans?.[id]);
    const number = (of: (description: ImageDescription) => number) => Uint32Array.from(descriptions, of);
    await writeTableInParts(
      part.path,
      embeddingSchema(precision, columns),
      (append) =>
        append({
          id: Uint32Array.from(ids),
          path: ids.map((id) => source.paths[id]),
          offset: { type: 'int64', values: spans.map((span) => span?.offset ?? null) },
          length: { type: 'int64', values: spans.map((span) => span?.length ?? null) },
          label: ids.map((id) => source.classes[source.labels[id]] ?? null),
          width: number(({ quality }) => quality.width),
          height: number(({ quality }) => quality.height),
          bytes: number(({ bytes }) => bytes),
          sha256: descriptions.map(({ sha256 }) => sha256),
          phash: BigUint64Array.from(descriptions, ({ phash }) => phash),
          ...Object.fromEntries(qualityNames.map((name) => [name, Float32Array.from(descriptions, ({ quality }) => quality[name])])),
          embedding: { type: precision, width: columns, values: this.embeddings.subarray(0, ids.length * columns) },
        }),
      { metadata: { [noteName]: JSON.stringify(whole) } },
    );
    return { ...whole, rows: ids.length };
  }
}
