import * as tf from '@tensorflow/tfjs-core';
import { definePrimitive } from './define';
import { PrimitiveError } from './error';
import { float32, matchShapes, sizeOf } from './shapes';

const merge = /* @__PURE__ */ definePrimitive({
  name: 'MergeTopK',
  inputs: ['values', 'indices', 'scores', 'start', 'count'],
  infer(inputs) {
    const { n, k } = matchShapes(
      'MergeTopK',
      inputs,
      { values: ['n', 'k'], indices: ['n', 'k'], scores: ['n', 'm'], start: [], count: [] },
      ['indices', 'start', 'count'],
    );
    if (k === 0) throw new PrimitiveError('MergeTopK: the lists have length 0; pass at least one column.');
    return [float32(n, k), { shape: [n, k], dtype: 'int32' }];
  },
  fallback({ values, indices, scores, start, count }) {
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
  },
  cost: ({ scores }) => ({ flops: sizeOf(scores.shape) }),
});

/** The largest values of each row so far. */
export interface TopK {
  /** (n, k) float32, descending. */
  readonly values: tf.Tensor;
  /** (n, k) int32: the numbers of the columns that the values come from. */
  readonly indices: tf.Tensor;
}

/** Which columns a block of scores holds. */
export interface ColumnRange {
  /** Number of the first column, scalar int32. */
  readonly start: tf.Tensor | number;
  /** Columns that count, scalar int32; those after them are padding. All of them by default. */
  readonly count?: tf.Tensor | number;
}

/**
 * The k largest of a running list and of another block of columns, so that a search over many blocks never holds
 * all scores. Of equal values the list's come first, then the columns in their order. Has no gradient.
 *
 * @param best - (n, k) lists; start with values of −Infinity
 * @param scores - (n, m) without NaN
 * @throws PrimitiveError if the shapes do not fit
 */
export function mergeTopK(best: TopK, scores: tf.Tensor, { start, count = scores.shape[1] ?? 0 }: ColumnRange): TopK {
  return tf.tidy(() => {
    const integer = (value: tf.Tensor | number) => (typeof value === 'number' ? tf.scalar(value, 'int32') : value);
    const { values, indices } = best;
    // Kernels take their inputs in this order, whatever the order of the record's entries.
    const merged = merge({ values, indices, scores, start: integer(start), count: integer(count) });
    return { values: merged[0]!, indices: merged[1]! };
  });
}
