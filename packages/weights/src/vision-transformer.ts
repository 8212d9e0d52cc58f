import type { Preprocessing } from '@dinov2/augment';
import { type Parameters, type VitConfig, VisionTransformer as Backbone } from '@dinov2/vit';
import * as tf from '@tensorflow/tfjs-core';
import { loadPretrained, type LoadOptions } from './load-pretrained';

/** A backbone of `@dinov2/vit` that can be loaded, and knows how its pictures are prepared. */
export class VisionTransformer extends Backbone {
  protected constructor(
    config: VitConfig,
    parameters: Parameters,
    /** What makes an input of a picture, for `preprocess` of `@dinov2/data`. */
    readonly preprocessing: Preprocessing,
  ) {
    super(config, parameters);
  }

  /**
   * Load a backbone to the current backend of TensorFlow.js; see {@link loadPretrained}.
   *
   * @param path - a file of weights, or a folder with one.
   * @throws WeightsError as {@link loadPretrained} does.
   *
   * @example
   * ```ts
   * const model = await VisionTransformer.fromPretrained('dinov2-small');
   * const { clsToken, patchTokens } = model.forwardFeatures(images);
   * ```
   */
  static async fromPretrained(path: string, options: Omit<LoadOptions, 'heads'> = {}): Promise<VisionTransformer> {
    const { config, parameters, preprocessing } = await loadPretrained(path, options);
    const tensors: Record<string, tf.Tensor> = {};
    // Not by Object.entries, whose list would hold every array to the end of the loop.
    for (const name of Object.keys(parameters)) {
      const { data, shape } = parameters[name];
      tensors[name] = tf.tensor(data, [...shape], 'float32');
      // A backend that copies then needs no second copy of the whole model.
      delete parameters[name];
    }
    return new VisionTransformer(config, tensors, preprocessing);
  }
}
