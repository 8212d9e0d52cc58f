import { resampleBicubic } from '@dinov2/primitives';
import * as tf from '@tensorflow/tfjs-core';
import type { VitConfig } from './config';

/** Positions for one grid of patches, ready to be added to the tokens. */
export interface Positions {
  /** (1, 1, D) */
  readonly cls: tf.Tensor3D;
  /** (1, rows · columns, D), row-major */
  readonly patches: tf.Tensor3D;
}

/**
 * Position table resampled to a grid of patches; the class token keeps row 0. A square grid of the
 * table's own size takes the table as it is.
 *
 * @param table - `pos_embed`, (1, 1 + M·M, D) with M = imageSize / patchSize.
 */
export function interpolatePositions(
  table: tf.Tensor,
  config: VitConfig,
  [rows, columns]: readonly [number, number],
): Positions {
  const side = config.imageSize / config.patchSize;
  const D = config.embedDim;
  // Not two slices: the gradient of a split is one concatenation.
  const [cls, patches] = tf.split(table as tf.Tensor3D, [1, side * side], 1) as tf.Tensor3D[];
  if (rows === side && columns === side) return { cls, patches };

  const { offset, antialias } = config.interpolation;
  // With an offset the sampling ratio is that of the given scale, M / (n + offset), and not M / n.
  const ratios: [number, number] = [side / (rows + offset), side / (columns + offset)];
  const resampled = resampleBicubic(tf.reshape(patches, [1, side, side, D]), [rows, columns], {
    antialias,
    ratios,
  });
  return { cls, patches: tf.reshape(resampled, [1, rows * columns, D]) };
}
