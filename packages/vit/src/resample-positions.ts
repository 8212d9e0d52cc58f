import * as tf from '@tensorflow/tfjs-core';
import { checkConfig, type VitConfig } from './config';
import { VitError } from './error';
import type { HostArray } from './parameters';
import { interpolatePositions } from './positions';

/** A backbone on the host. */
export interface HostModel {
  readonly config: VitConfig;
  readonly parameters: Readonly<Record<string, HostArray>>;
}

/**
 * The same backbone with the position table of another image size, to continue training there. The new
 * table is what the model itself makes of the old one at that size, so features at that size stay as they
 * are. A model with rotary positions has no table, and only its `imageSize` changes.
 *
 * The arithmetic runs on the current tfjs backend.
 *
 * @param imageSize - side in pixels; a multiple of the patch size.
 * @throws VitError when the size does not fit, or the record has no table.
 */
export async function resamplePositions({ config, parameters }: HostModel, imageSize: number): Promise<HostModel> {
  const resized = { ...config, imageSize };
  checkConfig(resized);
  if (config.positions === 'rope' || imageSize === config.imageSize) return { config: resized, parameters };
  const table = parameters['pos_embed'];
  if (table === undefined) throw new VitError('parameter "pos_embed" is missing; the record does not belong to this configuration');
  const side = imageSize / config.patchSize;
  const tensor = tf.tidy(() => {
    const { cls, patches } = interpolatePositions(tf.tensor(table.data, [...table.shape]), config, [side, side]);
    return tf.concat([cls, patches], 1); // (1, 1 + side², D)
  });
  const data = (await tensor.data()) as Float32Array;
  const { shape } = tensor;
  tensor.dispose();
  return { config: resized, parameters: { ...parameters, pos_embed: { data, shape } } };
}
