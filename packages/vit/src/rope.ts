import type { Rotation } from '@dinov2/primitives';
import * as tf from '@tensorflow/tfjs-core';
import type { VitConfig } from './config';
import { parameter, type Parameters } from './parameters';

/**
 * Periods of the rotary positions of one axis, F = D / heads / 4 of them: `base^(i/F)`, from 1 up to just
 * below the base. A coordinate from −1 to 1 makes `1/period` turns from the centre to the edge.
 *
 * @param config.ropeBase - 100 in every released model.
 */
export function ropePeriods({ embedDim, heads, ropeBase }: Pick<VitConfig, 'embedDim' | 'heads' | 'ropeBase'>): number[] {
  const count = embedDim / heads / 4;
  return Array.from({ length: count }, (_, i) => ropeBase ** (i / count));
}

/**
 * Rotation of queries and keys for one grid of patches, (1 + R + N, D / heads / 2): on each axis the
 * centre of a patch has a coordinate from −1 to 1, and a period p turns its pair by `2π · coordinate / p`;
 * first the pairs of the row, then those of the column. The class token and the registers are not turned.
 * Nothing for a model with a position table.
 */
export function patchRotation(
  params: Parameters,
  config: VitConfig,
  [rows, columns]: readonly [number, number],
): Rotation | undefined {
  if (config.positions !== 'rope') return undefined;
  return tf.tidy(() => {
    const periods = parameter(params, 'rope_embed.periods');
    // Repeated over the other axis by adding to zeros.
    const y = tf.add(tf.div(turns(rows, [rows, 1, 1]), periods), tf.fill([1, columns, 1], 0));
    const x = tf.add(tf.div(turns(columns, [1, columns, 1]), periods), tf.fill([rows, 1, 1], 0));
    const patches = tf.reshape(tf.concat([y, x], 2), [rows * columns, 2 * periods.size]);
    const angles = tf.pad(patches, [
      [1 + config.registers, 0],
      [0, 0],
    ]);
    return { cos: tf.cos(angles), sin: tf.sin(angles) };
  });
}

/** 2π times the coordinates of `count` patch centres. */
function turns(count: number, shape: [number, number, number]): tf.Tensor3D {
  return tf.tensor3d(
    Array.from({ length: count }, (_, k) => 2 * Math.PI * ((2 * (k + 0.5)) / count - 1)),
    shape,
  );
}
