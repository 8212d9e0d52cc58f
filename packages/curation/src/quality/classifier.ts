import type { RgbImage } from '@dinov2/data';
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { CurationError } from '../error';

/** What a classifier sees at a time. */
export interface ClassifierBatch {
  readonly count: number;
  /** Where the pictures lie, one per picture. */
  readonly paths: readonly string[];
  /** Decoded pictures, for a classifier of `images`; empty otherwise. */
  readonly images: readonly RgbImage[];
  /** Rows of embeddings, (count, columns), for a classifier of `embeddings`; empty otherwise. */
  readonly embeddings: Float32Array;
  /** Numbers of one embedding. */
  readonly columns: number;
}

/** One number per picture under each name; true and false count as 1 and 0, what is not a number as unknown. */
export type ClassifierColumns = Readonly<Record<string, ArrayLike<number | boolean>>>;

export type Classify = (batch: ClassifierBatch) => ClassifierColumns | Promise<ClassifierColumns>;

/** Your own measure of pictures, such as a detector of faces or of what is not safe for work. */
export interface Classifier {
  /** For messages. */
  readonly name: string;
  readonly input: 'images' | 'embeddings';
  readonly classify: Classify;
}

/**
 * A classifier from a function of images or from an ES module.
 *
 * A module's default export is the function. It says with `export const input = 'embeddings'` that it judges embeddings
 * rather than decoded images. What it returns becomes columns; `decideByRules` with bounds on these decides.
 *
 * @param source - a function, or the path of a module, relative to the folder `from`
 * @param from - the current folder by default
 * @throws CurationError when the module cannot be imported or does not have these exports
 * @example
 * ```js
 * // nsfw.mjs
 * export const input = 'embeddings';
 * export default ({ count, columns, embeddings }) => ({
 *   nsfw: Array.from({ length: count }, (_, i) => probability(embeddings.subarray(i * columns, (i + 1) * columns))),
 * });
 * ```
 */
export async function loadClassifier(source: Classify | string, from = '.'): Promise<Classifier> {
  if (typeof source === 'function') return { name: source.name || 'classifier', input: 'images', classify: source };
  const path = resolve(from, source);
  const module = (await import(pathToFileURL(path).href).catch((cause: Error) => {
    throw new CurationError(`cannot import the classifier ${path}: ${cause.message}`, { cause });
  })) as { default?: unknown; input?: unknown };
  const { default: classify, input = 'images' } = module;
  if (typeof classify !== 'function') {
    throw new CurationError(`the classifier ${path} has no function as default export; write: export default ({ images }) => ({ score: […] })`);
  }
  if (input !== 'images' && input !== 'embeddings') {
    throw new CurationError(`the classifier ${path} exports input = ${JSON.stringify(input)}; it must be 'images' or 'embeddings'`);
  }
  return { name: source, input, classify: classify as Classify };
}
