import { mkdir, mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import type { Preprocessing, Rectangle } from '@dinov2/augment';
import { type DecodeOptions, type EvaluationBatch, type ImageSource, loadEvaluationImages, type SkippedFile, type Span, takeImages } from '@dinov2/data';
import { covers } from './cache/covers';
import { findStored, type StoredRecord } from './cache/find-stored';
import { OpenShard } from './cache/open-shard';
import { checksum, type DensePrecision, encodeRecord, layoutOf } from './cache/record';
import type { ImageState } from './cache/shard';
import { ShardWriter } from './cache/shard-writer';
import { sha256, stableJson } from './describe-backbone';
import { FeaturesError } from './error';
import { ProgressMeter } from './progress-meter';
import { StoredTable } from './stored-table';
import type { Extractor, ExtractProgress, FeatureTable, Tokens } from './types';

/** Choices of {@link extractFeatures}. */
export interface ExtractOptions {
  /** Folder where features are kept for the next time; by default a temporary one that `close` removes. */
  readonly cache?: string;
  /** How pictures become inputs; by default as the extractor's network expects. */
  readonly preprocessing?: Preprocessing;
  /** How files are decoded. */
  readonly decode?: DecodeOptions;
  /** Number type of patch tokens and attention on disk; `float16` by default. Class tokens and means are float32. */
  readonly precision?: DensePrecision;
  /** Images per call of the extractor; 16 by default. */
  readonly batchSize?: number;
  /** Decoding threads; cores − 1 by default. */
  readonly workers?: number;
  readonly onProgress?: (progress: ExtractProgress) => void;
  /** Stops the work; what is finished is kept. */
  readonly signal?: AbortSignal;
}

/** Batches that the extractor holds at once: while one is finished, its threads begin the next. */
const batchesAhead = 2;

/**
 * Features of every image of a source, each computed once: what a cache folder has is read, what it
 * lacks is computed and added, batch by batch, so that a run that is killed goes on where it was. An image
 * is computed again when its size or time of change differ, when its record is damaged, for other weights,
 * preprocessing or decoding, or where no record has all the outputs: one with more serves as well. Several
 * processes may share a cache.
 *
 * @throws FeaturesError when the cache cannot be written, or values do not fit `precision`; DataError when
 * no image can be read; the signal's reason when it stops the work.
 *
 * @example
 * ```ts
 * const extractor = await createExtractor(await loadPretrained('dinov2-small'), { classTokens: 1 });
 * const table = await extractFeatures(extractor, openSource('photos'), { cache: 'features' });
 * const { data, shape } = table.classTokens(); // (N, 384)
 * ```
 */
export async function extractFeatures(extractor: Extractor, source: ImageSource, options: ExtractOptions = {}): Promise<FeatureTable> {
  const { signal, cache, preprocessing = extractor.preprocessing, decode = {}, precision = 'float16', onProgress } = options;
  signal?.throwIfAborted();
  const key = sha256(stableJson([extractor.weightsKey ?? extractor.key, preprocessing, decode]));
  const temporary = cache === undefined ? await mkdtemp(join(tmpdir(), 'dinov2-features-')) : undefined;
  const removeTemporary = async () => {
    if (temporary !== undefined) await rm(temporary, { recursive: true, force: true });
  };
  const folder = join(cache ?? temporary!, key.slice(0, 32));
  try {
    await makeFolder(folder, { extractor: extractor.name, preprocessing, decode });
    const ids = source.paths.map((path, i) => imageId(resolve(path), source.boxes?.[i], source.spans?.[i]));
    const states = await imageStates(source, ids);
    const stored: Map<string, StoredRecord> = await findStored(folder, states, (content) => covers(content, extractor.outputs, precision));
    const missing = [...new Map(ids.map((id, i) => [id, i] as const))].flatMap(([id, i]) => (stored.has(id) ? [] : [i]));
    const meter = new ProgressMeter(ids.length, missing.length, onProgress);
    const skipped: SkippedFile[] = [];
    meter.report();
    if (missing.length > 0) {
      await computeMissing({ ...options, extractor, source, ids, missing, preprocessing, decode, precision, folder, states, stored, skipped, meter });
    }
    const rows = ids.flatMap((id, index) => {
      const record = stored.get(id);
      return record === undefined ? [] : [{ ...record, path: source.paths[index], index }];
    });
    return new StoredTable(rows, skipped, extractor.outputs, extractor.embedDim, removeTemporary);
  } catch (error) {
    await removeTemporary();
    throw error;
  }
}

interface Missing extends ExtractOptions {
  readonly extractor: Extractor;
  readonly source: ImageSource;
  /** Of each image of the source. */
  readonly ids: readonly string[];
  /** Numbers in the source of the images to compute. */
  readonly missing: readonly number[];
  readonly preprocessing: Preprocessing;
  readonly precision: DensePrecision;
  readonly folder: string;
  readonly states: ReadonlyMap<string, ImageState>;
  /** Gets the records that are computed. */
  readonly stored: Map<string, StoredRecord>;
  /** Gets the files that cannot be used. */
  readonly skipped: SkippedFile[];
  readonly meter: ProgressMeter;
}

async function computeMissing(work: Missing): Promise<void> {
  const { extractor, source, missing, preprocessing, decode, batchSize = 16, workers, signal, skipped, stored, meter } = work;
  const shard = new GrowingShard(work);
  const ahead: { batch: EvaluationBatch; tokens: Promise<Tokens> }[] = [];
  const aborted = whenAborted(signal);
  const finishOldest = async () => {
    const { batch, tokens } = ahead.shift()!;
    await shard.add(batch, await Promise.race([tokens, aborted]));
    meter.advance(batch.indices.length);
  };
  try {
    for await (const batch of loadEvaluationImages(takeImages(source, missing), { preprocessing, ...decode, batchSize, ...(workers && { workers }) })) {
      signal?.throwIfAborted();
      skipped.push(...batch.skipped.map((file) => ({ ...file, index: missing[file.index] })));
      meter.advance(batch.skipped.length);
      if (batch.indices.length === 0) continue;
      const tokens = extractor.extract(batch.images);
      tokens.catch(() => {}); // seen when its turn comes
      ahead.push({ batch, tokens });
      if (ahead.length > batchesAhead) await finishOldest();
    }
    while (ahead.length > 0) {
      signal?.throwIfAborted();
      await finishOldest();
    }
  } catch (error) {
    // None of the missing ones can be read: an error only where there are no others.
    if (!(skipped.length === missing.length && stored.size > 0)) throw error;
  } finally {
    await shard.close();
  }
}

/** The shard of this run, made when the first features show what they look like. */
class GrowingShard {
  private writer: ShardWriter | undefined;
  private reader: OpenShard | undefined;

  constructor(private readonly work: Missing) {}

  async add(batch: EvaluationBatch, tokens: Tokens): Promise<void> {
    const { extractor, folder, precision, source, ids, missing, states, stored } = this.work;
    this.writer ??= await ShardWriter.create(folder, { outputs: extractor.outputs, layout: layoutOf(tokens, precision) }, missing.length);
    const { files, content } = this.writer;
    this.reader ??= new OpenShard(files, content);
    const records = Array.from(batch.indices, (index, i) => {
      const id = ids[missing[index]];
      // A file that was not there a moment ago has no state that is ever found again.
      const image = states.get(id) ?? { id, size: -1, modified: '' };
      return { ...encodeRecord(tokens, i, content.layout, source.paths[missing[index]]), image };
    });
    const first = await this.writer.append(records);
    for (const [i, { image, dense }] of records.entries()) {
      stored.set(image.id, { shard: this.reader, record: first + i, dense: checksum(dense) });
    }
  }

  async close(): Promise<void> {
    await this.writer?.close();
  }
}

/** Make the folder of a network, with a description for people. One that is there already may be read-only or on a full disk. */
async function makeFolder(folder: string, description: object): Promise<void> {
  try {
    await mkdir(folder, { recursive: true });
  } catch (cause) {
    throw new FeaturesError(`the cache folder ${folder} cannot be made: ${(cause as Error).message}; choose another cache`, { cause });
  }
  await writeFile(join(folder, 'description.json'), `${JSON.stringify(description, null, 2)}\n`, { flag: 'wx' }).catch(() => {});
}

/** Rejects when the signal is given. */
function whenAborted(signal: AbortSignal | undefined): Promise<never> {
  const aborted = new Promise<never>((_, reject) => signal?.addEventListener('abort', () => reject(signal.reason as Error), { once: true }));
  aborted.catch(() => {});
  return aborted;
}

function imageId(path: string, box: Rectangle | undefined, span: Span | undefined): string {
  const member = span === undefined ? path : `${path} at ${span.offset}+${span.length}`;
  return box === undefined ? member : `${member} ${box.left},${box.top},${box.width},${box.height}`;
}

/** Size and time of change of the images' files, by id; files that cannot be looked at are left out. */
async function imageStates({ paths }: ImageSource, ids: readonly string[]): Promise<Map<string, ImageState>> {
  const states = new Map<string, ImageState>();
  const atOnce = 256;
  for (let first = 0; first < ids.length; first += atOnce) {
    await Promise.all(
      ids.slice(first, first + atOnce).map(async (id, i) => {
        const stats = await stat(paths[first + i], { bigint: true }).catch(() => undefined);
        if (stats !== undefined) states.set(id, { id, size: Number(stats.size), modified: String(stats.mtimeNs) });
      }),
    );
  }
  return states;
}
