import { createHash } from 'node:crypto';
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { createRandom, type Random } from '@dinov2/primitives';
import sharp from 'sharp';
import { CurationError } from '../error';
import { breakFile, type BrokenKind } from './broken';
import { concepts } from './concepts';
import { drawConcept } from './draw-concept';
import { drawJunk, type JunkKind } from './draw-junk';
import { type EditKind, editPicture, encode } from './edits';
import { type HeapSettings, type HeapShares, type PlannedFile, planHeap } from './plan-heap';
import { type Truth, truthCsv } from './truth';

export interface GenerateHeapOptions {
  /** Files of the heap, the evaluation set not counted; 20,000 by default. */
  readonly count?: number;
  /** 0 by default. */
  readonly seed?: number;
  /** Exponent of the frequency of concepts; 1.3 by default. */
  readonly zipf?: number;
  /** By default 37 % copies, 16 % junk, 1 % broken, 1 % leaks, and 45 % originals. */
  readonly shares?: Partial<HeapShares>;
  /** Labelled pictures of each concept; 20 of each by default. */
  readonly evaluationTrain?: number;
  readonly evaluationHeldout?: number;
  readonly onProgress?: (done: number, total: number) => void;
  readonly signal?: AbortSignal;
}

/** What a heap was made of, as `heap.json` has it. */
export interface HeapSummary {
  readonly settings: HeapSettings;
  /** Files of each kind. */
  readonly kinds: Readonly<Record<string, number>>;
  /** Original pictures of each concept. */
  readonly originals: Readonly<Record<string, number>>;
}

/** Pictures under way at a time: they are compressed in other threads while the next are drawn. */
const underWay = 8;

/**
 * Write a heap of made-up pictures, as uncurated as a crawl's, of which everything is known: `images/<source>/`,
 * the labelled pictures `evaluation/train/<concept>/` and `evaluation/heldout/<concept>/`, `truth.csv` with a
 * line for every file, and `heap.json`.
 *
 * The same options give the same files. A file that is there already is kept, so a call that was cut off goes on.
 *
 * @throws CurationError when an option makes no sense, or the folder holds a heap of other options.
 */
export async function generateHeap(out: string, options: GenerateHeapOptions = {}): Promise<HeapSummary> {
  const settings = resolve(options);
  const { onProgress, signal } = options;
  await claim(out, settings);
  const { files, evaluation } = planHeap(settings);
  const all = [...evaluation, ...files];
  for (const folder of new Set(all.map(({ path }) => dirname(path)))) await mkdir(join(out, folder), { recursive: true });

  const truth = new Map<string, Truth>();
  const random = createRandom(settings.seed).fork('heap files');
  let done = 0;
  const make = async (file: PlannedFile) => {
    signal?.throwIfAborted();
    const path = join(out, file.path);
    let bytes: Buffer | undefined = await readFile(path).catch(() => undefined);
    if (bytes === undefined) {
      bytes = await draw(file, random.fork(file.draw), out);
      await writeFile(`${path}.part`, bytes);
      await rename(`${path}.part`, path);
    }
    truth.set(file.path, await describe(file, bytes));
    onProgress?.(++done, all.length);
  };
  // Copies are made of files, so what they are made of comes first.
  await eachOf(all.filter(({ kind }) => kind !== 'copy'), make);
  await eachOf(all.filter(({ kind }) => kind === 'copy'), make);

  const rows = all.map(({ path }) => truth.get(path)!);
  await writeFile(join(out, 'truth.csv'), truthCsv(rows));
  return {
    settings,
    kinds: tally(files.map(({ kind }) => kind)),
    originals: tally(files.filter(({ kind }) => kind === 'original').map(({ concept }) => concept)),
  };
}

function resolve({ count = 20_000, seed = 0, zipf = 1.3, shares = {}, evaluationTrain = 20, evaluationHeldout = 20 }: GenerateHeapOptions): HeapSettings {
  if (!Number.isInteger(count) || count < 100) throw new CurationError(`a heap of ${count} files; pass a whole number from 100`);
  const all = { copies: 0.37, junk: 0.16, broken: 0.01, leaks: 0.01, ...shares };
  const total = all.copies + all.junk + all.broken + all.leaks;
  if (Object.values(all).some((share) => !(share >= 0)) || total > 0.95) {
    throw new CurationError(`shares of ${JSON.stringify(all)}; pass numbers from 0 that add up to at most 0.95, so that originals are left`);
  }
  return { count, seed, zipf, shares: all, evaluationTrain, evaluationHeldout };
}

/** Write the settings first, so that a heap is never continued with others. */
async function claim(out: string, settings: HeapSettings): Promise<void> {
  const path = join(out, 'heap.json');
  const text = `${JSON.stringify(settings, null, 2)}\n`;
  const found = await readFile(path, 'utf8').catch(() => undefined);
  if (found !== undefined && found !== text) {
    throw new CurationError(`${out} holds a heap of other options (${path}); pass them again, or another folder`);
  }
  await mkdir(out, { recursive: true });
  await writeFile(path, text);
}

async function draw(file: PlannedFile, random: Random, out: string): Promise<Buffer> {
  const { kind, variety, format } = file;
  if (kind === 'copy') return editPicture(await readFile(join(out, file.of)), variety as EditKind, random, format);
  const [width, height] = size(random);
  if (kind === 'junk') return raster(drawJunk(variety as JunkKind, random, width, height), format, 85);
  const concept = concepts.find(({ name }) => name === file.concept) ?? concepts[random.integer(concepts.length)]!;
  const picture = await raster(drawConcept(concept, random, width, height), format, 70 + random.integer(25));
  return kind === 'broken' ? breakFile(variety as BrokenKind, random, picture) : picture;
}

/** The shorter side has 72 to 112 pixels, the longer up to 1.5 times as many. */
function size(random: Random): readonly [number, number] {
  const short = 72 + random.integer(41);
  const long = Math.min(128, Math.round(short * random.uniform(1, 1.5)));
  return random.uniform() < 0.65 ? [long, short] : [short, long];
}

function raster({ data, width, height }: { data: Uint8Array; width: number; height: number }, format: PlannedFile['format'], quality: number): Promise<Buffer> {
  return encode(sharp(data, { raw: { width, height, channels: 3 } }), format, quality);
}

async function describe({ format: _, draw: __, ...file }: PlannedFile, bytes: Buffer): Promise<Truth> {
  const { width, height } = file.kind === 'broken' ? { width: 0, height: 0 } : await sharp(bytes).metadata();
  return { ...file, width, height, bytes: bytes.length, sha256: createHash('sha256').update(bytes).digest('hex') };
}

/** Several at a time, in order. */
async function eachOf<T>(items: readonly T[], work: (item: T) => Promise<void>): Promise<void> {
  let next = 0;
  await Promise.all(
    Array.from({ length: underWay }, async () => {
      while (next < items.length) await work(items[next++]!);
    }),
  );
}

function tally(names: readonly string[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const name of names) counts[name] = (counts[name] ?? 0) + 1;
  return counts;
}
