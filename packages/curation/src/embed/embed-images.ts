import { readdirSync } from 'node:fs';
import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { type DecodeOptions, type EvaluationBatch, type ImageSource, loadEvaluationImages, takeImages } from '@dinov2/data';
import { type Extractor, type ExtractProgress, ProgressMeter, type Tokens } from '@dinov2/features';
import { CurationError } from '../error';
import { hashOf } from '../hashes/hash-of';
import { writeTableInParts } from '../tables';
import { describeModule } from './describe-module';
import { embeddingSchema, failedSchema } from './embedding-schema';
import { type FailedImage, type Part, partName, type PartNote, PartWriter, planPart, readNote } from './part';

/** Choices of {@link embedImages}. */
export interface EmbedOptions {
  /** Folder of the parts. */
  readonly out: string;
  /** Images of a part; 4096 by default. */
  readonly shardRows?: number;
  /** Number type of the vectors; `float16` by default. Spark reads float32 only. */
  readonly precision?: 'float16' | 'float32';
  /** Only the parts p with p mod `of` = `index`, so that several machines make one folder. */
  readonly shard?: { readonly index: number; readonly of: number };
  /** How pictures become inputs; by default as the extractor's network expects. */
  readonly preprocessing?: Extractor['preprocessing'];
  /** How files are decoded. */
  readonly decode?: DecodeOptions;
  /** Images per call of the extractor; 16 by default. */
  readonly batchSize?: number;
  /** Decoding threads; cores − 1 by default. */
  readonly workers?: number;
  readonly onProgress?: (progress: ExtractProgress) => void;
  /** Stops the work; whole parts are kept. */
  readonly signal?: AbortSignal;
}

/** A folder of embedded images. */
export interface EmbeddingSet {
  readonly folder: string;
  /** Images of the source. */
  readonly found: number;
  /** Images of the whole parts that are embedded. */
  readonly rows: number;
  /** Images of the whole parts that cannot be read. */
  readonly failed: number;
  /** D */
  readonly columns: number;
  /** Whether all parts are there. */
  readonly complete: boolean;
  /** Images that this call looked at; those of parts that were there are not. */
  readonly computed: number;
}

/** Batches that the extractor holds at once: while one is finished, its threads begin the next. */
const batchesAhead = 2;

/**
 * Embed every image of a source into a folder of Parquet files, `part-00000.parquet` and on, of `shardRows` images each.
 * A row has the image's `id` (its number in the source), `path`, `offset` and `length` (of a tar's member, else null), `label`,
 * `width`, `height`, `bytes`, `sha256`, `phash`, the columns of its quality, and its `embedding`: the last class token, or the mean
 * of the patches of an extractor without class tokens. Images are decoded once.
 *
 * Parts that are whole and of the same images and network are not made again, so that a run that was killed, or shared
 * among machines by `shard`, goes on; the files are the same whichever way they were made. An image counts as the same when
 * its path and its file's size are. Images that cannot be read are listed, with the reason, in `failed.parquet`, which a call
 * without `shard` writes.
 *
 * @throws CurationError when the folder holds embeddings of another network or preparation, or a vector is not finite or beyond
 * what float16 holds; the signal's reason when it stops the work
 *
 * @example
 * ```ts
 * const extractor = await createExtractor(await loadPretrained('dinov2-small'), { classTokens: 1 });
 * const { rows } = await embedImages(openSource('photos'), extractor, { out: 'embeddings/photos' });
 * const vectors = await openVectors('embeddings/photos'); // (rows, 384)
 * ```
 */
export async function embedImages(source: ImageSource, extractor: Extractor, options: EmbedOptions): Promise<EmbeddingSet> {
  const { out, shardRows = 4096, precision = 'float16', shard = { index: 0, of: 1 }, preprocessing = extractor.preprocessing, decode = {}, signal } = options;
  checkOptions(extractor, shardRows, shard);
  signal?.throwIfAborted();
  const { name: network, embedDim: columns, outputs } = extractor;
  const vector = outputs.classTokens > 0 ? 'class' : 'mean';
  const key = hashOf(embeddingSchema(precision, columns), extractor.weightsKey ?? extractor.key, vector, preprocessing, decode);
  await mkdir(out, { recursive: true });

  const found = source.paths.length;
  const count = Math.ceil(found / shardRows);
  const notes: ((PartNote & { rows: number }) | undefined)[] = [];
  const missing: Part[] = [];
  let own = 0;
  for (let number = 0; number < count; number++) {
    const note = await readNote(join(out, partName(number)));
    if (note !== undefined && note.key !== key) {
      throw new CurationError(`${out} holds embeddings by ${note.network} that were prepared otherwise than those of ${network} now; choose another folder or delete this one`);
    }
    const part = await planPart(source, out, number, shardRows);
    const whole = note?.images === part.images;
    notes.push(whole ? note : undefined);
    if (number % shard.of !== shard.index) continue;
    own += part.count;
    if (!whole) missing.push(part);
  }

  const computed = missing.reduce((sum, part) => sum + part.count, 0);
  const meter = new ProgressMeter(own, computed, options.onProgress);
  meter.report();
  await computeParts({ ...options, source, extractor, preprocessing, decode, missing, shardRows, meter }, async (part, writer) => {
    notes[part.number] = await writer.write(precision, { key, network });
  });

  const whole = notes.filter((note) => note !== undefined);
  const failed = whole.flatMap((note) => note.failed);
  if (options.shard === undefined) {
    await removeSurplus(out, count);
    await writeFailed(join(out, 'failed.parquet'), failed);
  }
  return {
    folder: out,
    found,
    rows: whole.reduce((sum, { rows }) => sum + rows, 0),
    failed: failed.length,
    columns,
    complete: whole.length === count,
    computed,
  };
}

function checkOptions({ name, outputs }: Extractor, shardRows: number, { index, of }: { index: number; of: number }): void {
  if (outputs.classTokens === 0 && outputs.meanPatch !== true) {
    throw new CurationError(`${name} gives neither class tokens nor means of patches; ask for { classTokens: 1 }`);
  }
  if (!Number.isInteger(shardRows) || shardRows < 1) throw new CurationError(`${shardRows} images per part; pass a whole number from 1`);
  if (!(Number.isInteger(index) && Number.isInteger(of) && index >= 0 && index < of)) {
    throw new CurationError(`shard ${index} of ${of}; pass 0 <= index < of`);
  }
}

interface Work extends EmbedOptions {
  readonly source: ImageSource;
  readonly extractor: Extractor;
  readonly preprocessing: Extractor['preprocessing'];
  readonly decode: DecodeOptions;
  readonly missing: readonly Part[];
  readonly shardRows: number;
  readonly meter: ProgressMeter;
}

async function computeParts(work: Work, finish: (part: Part, writer: PartWriter) => Promise<void>): Promise<void> {
  const { source, extractor, signal, meter } = work;
  const ahead: { writer: PartWriter; batch: PartBatch; tokens: Promise<Tokens> | undefined }[] = [];
  const aborted = whenAborted(signal);
  const finishOldest = async () => {
    const { writer, batch, tokens } = ahead.shift()!;
    writer.skip(batch);
    if (tokens !== undefined) writer.add(batch, await Promise.race([tokens, aborted]));
    if (writer.complete) await finish(batch.part, writer);
    meter.advance(batch.indices.length + batch.skipped.length);
  };
  let writer: PartWriter | undefined;
  for await (const batch of batchesOf(work)) {
    signal?.throwIfAborted();
    if (batch.first === 0) writer = new PartWriter(batch.part, source, extractor.embedDim);
    const tokens = batch.indices.length > 0 ? extractor.extract(batch.images) : undefined;
    tokens?.catch(() => {}); // seen when its turn comes
    ahead.push({ writer: writer!, batch, tokens });
    if (ahead.length > batchesAhead) await finishOldest();
  }
  while (ahead.length > 0) {
    signal?.throwIfAborted();
    await finishOldest();
  }
}

/** Some images of a part; `first` is the number in the part of the first one. */
interface PartBatch extends EvaluationBatch {
  readonly part: Part;
  readonly first: number;
}

/**
 * The images of the missing parts. No batch has images of two parts, so that what is computed together does not depend on
 * the parts that were there.
 */
async function* batchesOf({ source, preprocessing, decode, missing, shardRows, batchSize = 16, workers }: Work): AsyncGenerator<PartBatch, void> {
  const size = divisorUpTo(shardRows, batchSize);
  const numbers = missing.flatMap(({ first, count }) => Array.from({ length: count }, (_, i) => first + i));
  if (numbers.length === 0) return;
  let seen = 0;
  let readable = 0;
  try {
    for await (const batch of loadEvaluationImages(takeImages(source, numbers), { preprocessing, ...decode, batchSize: size, ...(workers && { workers }), describe: describeModule() })) {
      const part = missing[Math.floor(seen / shardRows)];
      const first = seen % shardRows;
      seen += batch.indices.length + batch.skipped.length;
      readable += batch.indices.length;
      yield {
        ...batch,
        indices: batch.indices.map((index) => numbers[index]),
        skipped: batch.skipped.map((file) => ({ ...file, index: numbers[file.index] })),
        part,
        first,
      };
    }
  } catch (error) {
    // A set without a single readable image is a set all the same.
    if (seen < numbers.length || readable > 0) throw error;
  }
}

/** The largest divisor of `n` that is at most `limit`. */
function divisorUpTo(n: number, limit: number): number {
  let divisor = Math.min(n, limit);
  while (n % divisor !== 0) divisor--;
  return divisor;
}

/** Rejects when the signal is given. */
function whenAborted(signal: AbortSignal | undefined): Promise<never> {
  const aborted = new Promise<never>((_, reject) => signal?.addEventListener('abort', () => reject(signal.reason as Error), { once: true }));
  aborted.catch(() => {});
  return aborted;
}

/** Remove the parts that are beyond those of the source, as they are left by a longer one. */
async function removeSurplus(folder: string, count: number): Promise<void> {
  const names = new Set(Array.from({ length: count }, (_, number) => partName(number)));
  const surplus = readdirSync(folder).filter((name) => /^part-\d+\.parquet$/.test(name) && !names.has(name));
  await Promise.all(surplus.map((name) => rm(join(folder, name))));
}

async function writeFailed(path: string, failed: readonly FailedImage[]): Promise<void> {
  await writeTableInParts(path, failedSchema, (append) =>
    append({
      id: Uint32Array.from(failed, ({ id }) => id),
      path: failed.map(({ path }) => path),
      offset: { type: 'int64', values: failed.map(({ offset }) => offset) },
      length: { type: 'int64', values: failed.map(({ length }) => length) },
      reason: failed.map(({ reason }) => reason),
    }),
  );
}
