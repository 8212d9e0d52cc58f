import * as tf from '@tensorflow/tfjs-core';

/**
 * Shift the hue as PIL does on its 8-bit HSV.
 *
 * Every intermediate is an integer or a correctly rounded quotient that float32 holds, in an order
 * that repeats PIL's float arithmetic, so the result is PIL's but for rare roundings by one level on
 * the way back to RGB, where PIL's own floats are not exact.
 *
 * @param r,g,b - equal shapes, whole numbers 0 to 255.
 * @param shift - 8-bit steps of hue, broadcastable to them.
 */
export function shiftHue(r: tf.Tensor, g: tf.Tensor, b: tf.Tensor, shift: tf.Tensor): tf.Tensor[] {
  const value = tf.maximum(tf.maximum(r, g), b);
  const least = tf.minimum(tf.minimum(r, g), b);
  const range = tf.sub(value, least);
  const saturation = tf.floor(tf.div(tf.mul(range, 255), tf.maximum(value, 1)));
  const shifted = tf.add(hueOf(r, g, b, value, least, range), shift);
  const hue = tf.sub(shifted, tf.mul(tf.floor(tf.div(shifted, 256)), 256));

  const sixths = tf.mul(hue, 6);
  const sector = tf.floor(tf.div(sixths, 255));
  const rest = tf.sub(sixths, tf.mul(sector, 255)); // 0 to 254, the place within the sector
  // value · saturation · rest < 2^24, so each product is exact and each quotient correctly rounded.
  const chroma = tf.mul(value, saturation);
  const p = tf.sub(value, tf.round(tf.div(chroma, 255)));
  const q = tf.sub(value, tf.round(tf.div(tf.mul(chroma, rest), 65025)));
  const t = tf.sub(value, tf.round(tf.div(tf.mul(chroma, tf.sub(255, rest)), 65025)));

  const wrapped = tf.mul(sector, tf.cast(tf.less(sector, 6), 'float32')); // hue 255 is red again
  const inSector = Array.from({ length: 6 }, (_, i) => tf.cast(tf.equal(wrapped, i), 'float32'));
  const choose = (...values: tf.Tensor[]) =>
    values.map((v, i) => tf.mul(v, inSector[i])).reduce((sum, term) => tf.add(sum, term));
  return [
    choose(value, q, p, p, t, value),
    choose(t, value, value, q, p, p),
    choose(p, p, t, value, value, q),
  ];
}

/** PIL's 8-bit hue; any value where `range` is 0, since the saturation is 0 there. */
function hueOf(
  r: tf.Tensor,
  g: tf.Tensor,
  b: tf.Tensor,
  value: tf.Tensor,
  least: tf.Tensor,
  range: tf.Tensor,
): tf.Tensor {
  const is = (a: tf.Tensor, c: tf.Tensor) => tf.cast(tf.equal(a, c), 'float32');
  const middle = tf.sub(tf.sub(tf.add(tf.add(r, g), b), value), least);
  const ratio = tf.div(tf.sub(value, middle), tf.maximum(range, 1));
  const red = is(r, value);
  const green = tf.mul(tf.sub(1, red), is(g, value));
  const blue = tf.sub(tf.sub(1, red), green);
  const blueLeast = is(b, least);
  const redLeast = is(r, least);
  // hue · 6 = corner ± ratio with one rounding: red 1 − q or −1 + q, green 1 + q or 3 − q, blue 3 + q or 5 − q.
  const corner = sum(
    tf.mul(red, tf.sub(tf.mul(blueLeast, 2), 1)),
    tf.mul(green, tf.sub(3, tf.mul(blueLeast, 2))),
    tf.mul(blue, tf.sub(5, tf.mul(redLeast, 2))),
  );
  const sign = sum(
    tf.mul(red, tf.sub(1, tf.mul(blueLeast, 2))),
    tf.mul(green, tf.sub(tf.mul(blueLeast, 2), 1)),
    tf.mul(blue, tf.sub(tf.mul(redLeast, 2), 1)),
  );
  const sixth = tf.div(tf.add(corner, tf.mul(sign, ratio)), 6);
  const turn = tf.add(sixth, tf.cast(tf.less(sixth, 0), 'float32'));
  // trunc(255 · turn) of the exact product: 255 · turn − nearest is exact in this form.
  const nearest = tf.round(tf.mul(turn, 255));
  const residue = tf.sub(tf.sub(tf.mul(turn, 256), nearest), turn);
  return tf.sub(nearest, tf.cast(tf.less(residue, 0), 'float32'));
}

const sum = (...terms: tf.Tensor[]): tf.Tensor => terms.reduce((a, b) => tf.add(a, b));
