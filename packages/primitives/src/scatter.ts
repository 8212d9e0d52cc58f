import * as tf from '@tensorflow/tfjs-core';

/**
 * A tensor of zeros with `values[j]` at index `rows[j]` of the first axis; rows are distinct.
 *
 * Gathers through the inverse index, because a product with one-hot rows would spread a NaN or an
 * infinity of one row over all others.
 *
 * @param values - (k, ...)
 * @param rows - int32 (k)
 * @param size - length B of the result's first axis
 * @returns (B, ...)
 */
export function scatterRows(values: tf.Tensor, rows: tf.Tensor, size: number): tf.Tensor {
  const count = values.shape[0];
  const rest = values.shape.slice(1);
  const column = tf.reshape(rows, [count, 1]);
  const isRow = tf.cast(tf.equal(column, tf.range(0, size, 1, 'int32')), 'float32'); // (k, B)
  // A row that is not listed reads the row of zeros appended at index k.
  const offsets = tf.tensor2d(
    Array.from({ length: count }, (_, j) => j - count),
    [count, 1],
  );
  const source = tf.add(tf.sum(tf.mul(isRow, offsets), 0), count); // (B)
  const padded = tf.concat([values, tf.zeros([1, ...rest])], 0);
  return tf.gather(padded, tf.cast(source, 'int32'), 0);
}
