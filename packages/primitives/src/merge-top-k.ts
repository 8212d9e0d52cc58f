import * as tf from '@tensorflow/tfjs-core';
import { definePrimitive } from './define';
import { PrimitiveError } from './error';
import { float32, matchShapes, sizeOf } from './shapes';

const merge = /* @__PURE__ */ definePrimitive({
  name: 'MergeTopK',
  inputs: ['values', 'indices', 'scores', 'start', 'count', 'rows?'],
  infer(inputs) {
    const lists = { values: ['n', 'k'], indices: ['n', 'k'], start: [], count: [] } as const;
    const { n, k } = matchShapes(
      'MergeTopK',
      inputs,
      inputs.rows ? { ...lists, scores: ['r', 'm'], rows: ['r'] } : { ...lists, scores: ['n', 'm'] },
      ['indices', 'start', 'count', 'rows'],
    );
    if (k === 0) throw new PrimitiveError('MergeTopK: the lists have length 0; pass at least one column.');
    return [float32(n, k), { shape: [n, k], dtype: 'int32' }];
  },
  fallback({ values, indices, scores, start, count, rows }) {
    if (!rows) return mergeAll(values!, indices!, scores!, start!, count!);
    const [n, r] = [values!.shape[0]!, rows.shape[0]!];
    const taken = tf.maximum(rows, tf.zeros([r], 'int32'));
    const merged = mergeAll(tf.gather(values!, taken), tf.gather(indices!, taken), scores!, start!, count!);
    // Where a list's next state stands in [lists before, merged ones].
    const isRow = tf.cast(tf.equal(tf.reshape(rows, [r, 1]), tf.range(0, n, 1, 'int32')), 'int32'); // (r, n)
    const moved = tf.sum(tf.mul(isRow, tf.reshape(tf.range(n, n + r, 1, 'int32'), [r, 1])), 0);
    const source = tf.add(moved, tf.mul(tf.range(0, n, 1, 'int32'), tf.sub(tf.ones([n], 'int32'), tf.sum(isRow, 0))));
    return [values!, indices!].map((list, i) => tf.gather(tf.concat([list, merged[i]!], 0), source));
  },
  cost: ({ scores }) => ({ flops: sizeOf(scores.shape) }),
});

/** Every list with the scores of its row. */
function mergeAll(values: tf.Tensor, indices: tf.Tensor, scores: tf.Tensor, start: tf.Tensor, count: tf.Tensor): tf.Tensor[] {
  const k = values.shape[1]!;
  const [n, m] = scores.shape as [number, number];
  const columns = tf.range(0, m, 1, 'int32');
  // A penalty instead of a selection, which would not broadcast; scores are finite.
  const padding = tf.where(tf.less(columns, count), tf.zeros([m]), tf.fill([m], -Infinity));
  const candidates = tf.add(scores, padding); // (n, m)
  // Of equal values tfjs takes the one that stands first: the list, then the columns in their order.
  const best = tf.topk(tf.concat([values, candidates], 1), k);
  const numbers = tf.concat([indices, tf.tile(tf.reshape(tf.add(columns, start), [1, m]), [n, 1])], 1);
  // Flat places, because the wasm backend's gather of rows by rows reads beyond the first one's end.
  const rows = tf.reshape(tf.range(0, n * (k + m), k + m, 'int32'), [n, 1]);
  const places = tf.reshape(tf.add(best.indices, rows), [n * k]);
  return [best.values, tf.reshape(tf.gather(tf.reshape(numbers, [n * (k + m)]), places), [n, k])];
}

/** The largest values of each row so far. */
export interface TopK {
  /** (n, k) float32, descending. */
  readonly values: tf.Tensor;
  /** (n, k) int32: the numbers of the columns that the values come from. */
  readonly indices: tf.Tensor;
}

/** Which lists and columns a block of scores belongs to. */
export interface ScoreRange {
  /** Number of the first column, scalar int32. */
  readonly start: tf.Tensor | number;
  /** Columns that count, scalar int32; those after them are padding. All of them by default. */
  readonly count?: tf.Tensor | number;
  /**
   * The list that each row of scores belongs to: int32 (r), distinct and below n; its values are not checked. A row of
   * a negative number is padding. By default row i belongs to list i.
   */
  readonly rows?: tf.Tensor;
}

/**
 * The k largest of a running list and of another block of columns, so that a search over many blocks never holds
 * all scores. Of equal values the list's come first, then the columns in their order. Has no gradient.
 *
 * @param best - (n, k) lists; start with values of −Infinity
 * @param scores - (n, m), or (r, m) for `rows`; without NaN
 * @throws PrimitiveError if the shapes do not fit
 */
export function mergeTopK(best: TopK, scores: tf.Tensor, { start, count = scores.shape[1] ?? 0, rows }: ScoreRange): TopK {
  return tf.tidy(() => {
    const integer = (value: tf.Tensor | number) => (typeof value === 'number' ? tf.scalar(value, 'int32') : value);
    const { values, indices } = best;
    // Kernels take their inputs in this order, whatever the order of the record's entries.
    const merged = merge({ values, indices, scores, start: integer(start), count: integer(count), rows });
    return { values: merged[0]!, indices: merged[1]! };
  });
}
