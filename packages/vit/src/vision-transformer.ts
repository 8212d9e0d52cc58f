import * as tf from '@tensorflow/tfjs-core';
import type { VitConfig } from './config';
import {
  type Features,
  forwardFeatures,
  getIntermediateLayers,
  type IntermediateLayer,
  type IntermediateLayersOptions,
} from './forward';
import { checkParameters, type HostArray, type Parameters, parameterShapes } from './parameters';

/**
 * A backbone with its parameters on the current tfjs backend, for those who want a model object.
 * The functions it calls are public too, and pure.
 */
export class VisionTransformer {
  protected constructor(
    readonly config: VitConfig,
    /** The tensors by official name; owned by the model. */
    readonly parameters: Parameters,
  ) {}

  /**
   * Copy a record of named arrays to the current backend.
   *
   * @throws VitError when a name is missing or unknown, or a shape differs from the configuration's.
   */
  static fromParameters(
    record: Readonly<Record<string, HostArray>>,
    config: VitConfig,
  ): VisionTransformer {
    const shapes = parameterShapes(config);
    checkParameters(record, shapes);
    return new VisionTransformer(
      config,
      Object.fromEntries(
        Object.keys(shapes).map((name) => [
          name,
          tf.tensor(record[name].data, [...record[name].shape], 'float32'),
        ]),
      ),
    );
  }

  /** See {@link forwardFeatures}. The caller disposes the result. */
  forwardFeatures(images: tf.Tensor, options?: { readonly masks?: tf.Tensor }): Features {
    return forwardFeatures(this.parameters, this.config, images, options);
  }

  /** See {@link getIntermediateLayers}. The caller disposes the result. */
  getIntermediateLayers(
    images: tf.Tensor,
    layers?: number | readonly number[],
    options?: IntermediateLayersOptions,
  ): IntermediateLayer[] {
    return getIntermediateLayers(this.parameters, this.config, images, layers, options);
  }

  /** Free the parameters. */
  dispose(): void {
    tf.dispose(this.parameters as tf.NamedTensorMap);
  }
}
