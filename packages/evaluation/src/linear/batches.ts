import type { HostArray } from '@dinov2/jit';
import { createRandom } from '@dinov2/primitives';
import { EvaluationError } from '../error';
import { dimensions, type Features } from '../features';
import { checkLabels, classCount, countLabels } from '../labels';

/** Features of a batch of images. */
export interface FeatureBatch {
  /** (B, blocks, D): class tokens of the last blocks in the order of the network, after the final norm. */
  readonly classTokens: HostArray;
  /** (B, D): mean of the last block's patch tokens. Needed where avgpool is wanted. */
  readonly meanPatch?: HostArray;
}

/** Features of a batch of images with their labels. */
export interface LinearBatch extends FeatureBatch {
  /** (B,) */
  readonly labels: ArrayLike<number>;
}

/** Features of all images in memory. */
export interface FeatureRows {
  /** One (N, D) table for each block, in the order of the network. */
  readonly classTokens: readonly Features[];
  /** (N, D) */
  readonly meanPatch?: Features;
}

/** Features of all images in memory with their labels. */
export interface LinearTable extends FeatureRows {
  /** (N,) */
  readonly labels: ArrayLike<number>;
}

/**
 * Batches of an endless sequence of shuffled passes over a table, as the reference samples: a batch may span the end of
 * a pass. A function of seed and iteration alone, so training resumes at any iteration.
 *
 * @throws EvaluationError when tables differ in rows or width, a label is not a whole number or a class from 0 to the
 * largest label has no rows.
 */
export function shuffledBatches(
  table: LinearTable,
  { batchSize, seed = 0 }: { readonly batchSize: number; readonly seed?: number },
): (iteration: number) => Promise<LinearBatch> {
  const rows = checkRows(table);
  checkClasses(table.labels, rows, true);
  if (!Number.isInteger(batchSize) || batchSize < 1) throw new EvaluationError(`batchSize is ${batchSize}; expected a whole number from 1, such as 128`);
  const random = createRandom(seed).fork('linear probe');
  let current = -1;
  let order = new Int32Array(0);
  const at = (position: number) => {
    const pass = Math.floor(position / rows);
    if (pass !== current) {
      order = random.fork(pass).permutation(rows) as Int32Array<ArrayBuffer>;
      current = pass;
    }
    return order[position % rows]!;
  };
  return async (iteration) => {
    const drawn = Int32Array.from({ length: batchSize }, (_, i) => at(iteration * batchSize + i));
    return { ...gather(table, drawn), labels: drawn.map((row) => table.labels[row]!) };
  };
}

/** Every row of a table once, in order. Throws as {@link shuffledBatches} does, but a class may have no rows. */
export function orderedBatches(table: LinearTable, batchSize?: number): Generator<LinearBatch, void, void>;
/** Rows without labels, to be scored. */
export function orderedBatches(table: FeatureRows, batchSize?: number): Generator<FeatureBatch, void, void>;
export function* orderedBatches(
  { labels, ...features }: FeatureRows & { readonly labels?: ArrayLike<number> },
  batchSize = 256,
): Generator<FeatureBatch & { readonly labels?: ArrayLike<number> }, void, void> {
  const rows = checkRows(features);
  if (labels !== undefined) checkClasses(labels, rows, false);
  for (let first = 0; first < rows; first += batchSize) {
    const taken = Int32Array.from({ length: Math.min(batchSize, rows - first) }, (_, i) => first + i);
    yield { ...gather(features, taken), ...(labels === undefined ? {} : { labels: taken.map((row) => labels[row]!) }) };
  }
}

/** Rows of all tables. */
function checkRows({ classTokens, meanPatch }: FeatureRows): number {
  if (classTokens.length === 0) throw new EvaluationError('classTokens is an empty list; pass the (N, D) class tokens of at least one block');
  const [rows, columns] = dimensions(classTokens[0]!, 'classTokens[0]');
  const others = classTokens.map((features, i): [Features, string] => [features, `classTokens[${i}]`]);
  if (meanPatch !== undefined) others.push([meanPatch, 'meanPatch']);
  for (const [features, name] of others) {
    const [otherRows, otherColumns] = dimensions(features, name);
    if (otherRows !== rows || otherColumns !== columns) {
      throw new EvaluationError(`${name} is (${otherRows}, ${otherColumns}) and classTokens[0] is (${rows}, ${columns}); all must come from the same images and model`);
    }
  }
  return rows;
}

function checkClasses(labels: ArrayLike<number>, rows: number, all: boolean): void {
  const classes = classCount(labels);
  checkLabels(labels, rows, classes, 'the table');
  const empty = countLabels(labels, classes).indexOf(0);
  if (all && empty !== -1) {
    throw new EvaluationError(`class ${empty} of ${classes} has no rows; number the classes without gaps or add images of it`);
  }
}

function gather({ classTokens, meanPatch }: FeatureRows, rows: Int32Array): FeatureBatch {
  const dim = classTokens[0]!.shape[1]!;
  const tokens = new Float32Array(rows.length * classTokens.length * dim);
  const means = new Float32Array(rows.length * dim);
  rows.forEach((row, i) => {
    for (const [block, { data }] of classTokens.entries()) {
      tokens.set(data.subarray(row * dim, (row + 1) * dim), (i * classTokens.length + block) * dim);
    }
    if (meanPatch !== undefined) means.set(meanPatch.data.subarray(row * dim, (row + 1) * dim), i * dim);
  });
  return {
    classTokens: { data: tokens, shape: [rows.length, classTokens.length, dim] },
    ...(meanPatch === undefined ? {} : { meanPatch: { data: means, shape: [rows.length, dim] } }),
  };
}
