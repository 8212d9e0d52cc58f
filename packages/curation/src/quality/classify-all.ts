import type { RgbImage } from '@dinov2/data';
import { CurationError } from '../error';
import type { Vectors } from '../vectors/vectors';
import type { Classifier, ClassifierBatch, ClassifierColumns } from './classifier';

/** The pictures to be judged. */
export interface ClassifierInput {
  readonly paths: readonly string[];
  /** The picture of a row; needed by classifiers of images. */
  readonly readImage?: (row: number) => Promise<RgbImage>;
  /** One row per path; needed by classifiers of embeddings. */
  readonly vectors?: Vectors;
}

export interface ClassifyOptions {
  /** Pictures per call; 32 by default, 1024 for embeddings. */
  readonly batch?: number;
  /** Columns of earlier pictures: it must return the same, and they are there even if none of these pictures can be read. */
  readonly names?: readonly string[];
  readonly onProgress?: (done: number, total: number) => void;
  readonly signal?: AbortSignal;
}

export interface Classification {
  /** One number per row; not a number where the picture could not be read. None where none could be, unless they were named. */
  readonly columns: Readonly<Record<string, Float32Array>>;
  /** Pictures that could not be read; they never stop the run. */
  readonly failed: readonly { readonly row: number; readonly reason: string }[];
}

/**
 * Let a classifier judge all pictures, batch by batch.
 *
 * @throws CurationError when the classifier fails, or returns anything but the same columns of one number per picture; with
 * the batch where it did
 */
export async function classifyAll(
  classifier: Classifier,
  input: ClassifierInput,
  { batch: size = classifier.input === 'images' ? 32 : 1024, names: before, onProgress, signal }: ClassifyOptions = {},
): Promise<Classification> {
  const { paths } = input;
  checkInput(classifier, input, size);
  const unknown = () => new Float32Array(paths.length).fill(Number.NaN);
  const failed: { row: number; reason: string }[] = [];
  let names = before && [...before].sort();
  const columns: Record<string, Float32Array> = Object.fromEntries((names ?? []).map((name) => [name, unknown()]));
  for (let first = 0; first < paths.length; first += size) {
    signal?.throwIfAborted();
    const { batch, rows } = await readBatch(classifier, input, first, Math.min(size, paths.length - first), failed);
    if (rows.length > 0) {
      const where = `the classifier ${classifier.name}, rows ${rows[0]} to ${rows.at(-1)}`;
      const answer = await judge(classifier, batch, where);
      names ??= Object.keys(answer).sort();
      if (Object.keys(answer).sort().join() !== names.join()) {
        throw new CurationError(`${where}: returned the columns ${Object.keys(answer).join(', ')}, before ${names.join(', ')}`);
      }
      for (const name of names) {
        const column = (columns[name] ??= unknown());
        rows.forEach((row, i) => (column[row] = Number(answer[name]![i]!)));
      }
    }
    onProgress?.(Math.min(first + size, paths.length), paths.length);
  }
  return { columns, failed };
}

function checkInput({ name, input }: Classifier, { paths, readImage, vectors }: ClassifierInput, size: number): void {
  if (!(Number.isInteger(size) && size >= 1)) throw new CurationError(`a batch of ${size} pictures; pass a whole number of at least 1`);
  if (input === 'images' && readImage === undefined) throw new CurationError(`the classifier ${name} judges images; pass readImage`);
  if (input === 'embeddings' && vectors?.rows !== paths.length) {
    throw new CurationError(`the classifier ${name} judges embeddings; pass vectors with one row for each of ${paths.length} paths`);
  }
}

async function readBatch(
  { input: kind }: Classifier,
  { paths, readImage, vectors }: ClassifierInput,
  first: number,
  count: number,
  failed: { row: number; reason: string }[],
): Promise<{ batch: ClassifierBatch; rows: number[] }> {
  const rows: number[] = [];
  const images: RgbImage[] = [];
  if (kind === 'embeddings') {
    for (let row = first; row < first + count; row++) rows.push(row);
  } else {
    const read = await Promise.allSettled(Array.from({ length: count }, (_, i) => readImage!(first + i)));
    read.forEach((result, i) => {
      if (result.status === 'fulfilled') {
        rows.push(first + i);
        images.push(result.value);
      } else failed.push({ row: first + i, reason: (result.reason as Error).message });
    });
  }
  const embeddings = kind === 'embeddings' ? await vectors!.read(first, count) : new Float32Array(0);
  const columns = kind === 'embeddings' ? vectors!.columns : 0;
  return { batch: { count: rows.length, paths: rows.map((row) => paths[row]!), images, embeddings, columns }, rows };
}

async function judge({ classify }: Classifier, batch: ClassifierBatch, where: string): Promise<ClassifierColumns> {
  const answer: unknown = await Promise.resolve(batch)
    .then(classify)
    .catch((cause: unknown) => {
      throw new CurationError(`${where}: ${cause instanceof Error ? cause.message : String(cause)}`, { cause });
    });
  if (typeof answer !== 'object' || answer === null || Array.isArray(answer) || Object.keys(answer).length === 0) {
    throw new CurationError(`${where}: returned ${describe(answer)} instead of columns such as { score: [0.1, 0.9] }`);
  }
  for (const [name, values] of Object.entries(answer)) {
    if (!(Array.isArray(values) || ArrayBuffer.isView(values))) {
      throw new CurationError(`${where}: the column ${name} is ${describe(values)}; it must be an array of one number per picture`);
    }
    const list = values as ArrayLike<unknown>;
    if (list.length !== batch.count) {
      throw new CurationError(`${where}: the column ${name} has ${list.length} values for ${batch.count} pictures`);
    }
    for (let i = 0; i < list.length; i++) {
      if (typeof list[i] === 'number' || typeof list[i] === 'boolean') continue;
      throw new CurationError(`${where}: the column ${name} has ${describe(list[i])} for ${batch.paths[i]}; it must be a number`);
    }
  }
  return answer as ClassifierColumns;
}

function describe(value: unknown): string {
  return typeof value === 'string' ? JSON.stringify(value) : Array.isArray(value) ? 'an array' : String(value);
}
